//! The page for people: one file, without requests to anywhere else.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// The page.
pub(super) const PAGE: &str = include_str!("page.html");

/// What a browser may do for the page: run what is written in it, and ask us. Nothing else, from nowhere else.
pub(super) static POLICY: LazyLock<String> = LazyLock::new(|| {
    let sources = |tag| {
        let hashes = inline(PAGE, tag).map(|text| format!("'sha256-{}'", base64(&Sha256::digest(text))));
        let hashes = hashes.collect::<Vec<_>>().join(" ");
        if hashes.is_empty() { "'none'".to_owned() } else { hashes }
    };
    format!(
        "default-src 'none'; script-src {}; style-src {}; img-src data:; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        sources("script"),
        sources("style")
    )
});

/// What a browser may do for everything else: nothing.
pub(super) const POLICY_NONE: &str = "default-src 'none'; frame-ancestors 'none'";

/// What is written between the tags of this name.
fn inline<'a>(page: &'a str, tag: &'a str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{tag}"), format!("</{tag}>"));
    let mut rest = page;
    std::iter::from_fn(move || {
        let (_, from) = rest.split_once(&open)?;
        let (_, text) = from.split_once('>')?;
        let (text, after) = text.split_once(&close)?;
        rest = after;
        Some(text)
    })
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let at = (bits >> (18 - 6 * digit)) as usize & 63;
            text.push(if digit <= chunk.len() { char::from(DIGITS[at]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_one_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn the_policy_allows_what_is_written_in_the_page_and_nothing_else() {
        let page = "<style>a</style><script type=\"module\">b</script> <script>c</script>";
        assert_eq!(inline(page, "script").collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(inline(page, "style").collect::<Vec<_>>(), ["a"]);
        assert_eq!(inline(page, "title").count(), 0);
        assert!(POLICY.contains("default-src 'none'") && !POLICY.contains("unsafe") && !POLICY.contains('*'));
        let has = |tag| PAGE.matches(&format!("</{tag}>")).count();
        assert_eq!(POLICY.matches("'sha256-").count(), has("script") + has("style"));
        assert!(
            !PAGE.contains(" style=\"") && !PAGE.contains(" onclick="),
            "a hash does not allow attributes"
        );
    }
}
