# One binary, which is linked with musl, and nothing else: docker build -t mimikyu .
#
# It needs io_uring, which Docker's own seccomp profile forbids:
#   docker run --security-opt seccomp=contrib/seccomp.json -p 11211:11211 mimikyu OLD:11211 NEW:11211

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY benches benches
COPY contrib/package contrib/package
COPY src src
COPY tests/allocations.rs tests/allocations.rs
RUN contrib/package static && mkdir -p /root-of-image/state && cp target/package/mimikyu-static /root-of-image/mimikyu

FROM scratch
COPY --from=build /root-of-image/mimikyu /mimikyu
# For a state file on a volume: --state /state/list
COPY --from=build --chown=65532:65532 /root-of-image/state /state
USER 65532:65532
EXPOSE 11211
# Asks as a client does. It is unhealthy where there is no list or nobody is let in, and not where an upstream is down.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s CMD ["/mimikyu", "fleet", "check", "127.0.0.1:11211"]
ENTRYPOINT ["/mimikyu"]
# Without an argument it shows what there is to say.
CMD ["--help"]
