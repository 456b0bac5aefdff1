"""What no schema knows of the manifests: manifests.py FILE DIRECTORY. Leaves the configuration in DIRECTORY/mimikyu.toml."""

import sys
import tomllib

import yaml

documents = {document["kind"]: document for document in yaml.safe_load_all(open(sys.argv[1]))}
wrong = []


def must(is_right, words):
    if not is_right:
        wrong.append(words)


deployment = documents["Deployment"]
pod = deployment["spec"]["template"]["spec"]
container = pod["containers"][0]
ports = {port["name"]: port["containerPort"] for port in container["ports"]}
labels = deployment["spec"]["template"]["metadata"]["labels"]
namespace = documents["Namespace"]["metadata"]["name"]
for kind, document in documents.items():
    if kind != "Namespace":
        must(document["metadata"]["namespace"] == namespace, f"{kind} is in no namespace {namespace}")
for kind, selector in [
    ("Deployment", deployment["spec"]["selector"]["matchLabels"]),
    ("Service", documents["Service"]["spec"]["selector"]),
    ("PodDisruptionBudget", documents["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]),
    ("NetworkPolicy", documents["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"]),
]:
    must(selector.items() <= labels.items(), f"{kind} does not select the pods")
must(deployment["spec"]["replicas"] >= 2, "one replica is no replica")
budget = documents["PodDisruptionBudget"]["spec"]
must(budget["minAvailable"] < deployment["spec"]["replicas"], "the budget lets no node be drained")
must(documents["Service"]["spec"]["ports"][0]["targetPort"] in ports, "the Service leads to no port of the container")
arguments = container["args"]
for probe, path in [("readinessProbe", "/ready"), ("livenessProbe", "/live")]:
    asked = container[probe]["httpGet"]
    must(asked["path"] == path, f"{probe} asks for {asked['path']}")
    must(f"--admin=0.0.0.0:{ports[asked['port']]}" in arguments, f"{probe} reaches no admin address")
must("--watch" in arguments, "a changed ConfigMap would not be taken over")
mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
volumes = {volume["name"]: volume for volume in pod["volumes"]}
(mounted,) = mounts.values()
must("subPath" not in mounted, "a subPath never follows its ConfigMap")
must(volumes[mounted["name"]]["configMap"]["name"] == documents["ConfigMap"]["metadata"]["name"], "another ConfigMap is mounted")
(file, text), *more = documents["ConfigMap"]["data"].items()
must(f"--config={mounted['mountPath']}/{file}" in arguments, "the configuration is elsewhere")
must(tomllib.loads(text)["listen"] == [f"0.0.0.0:{ports['memcached']}"], "it listens elsewhere than its port")
open(f"{sys.argv[2]}/mimikyu.toml", "w").write(text)
must(pod["serviceAccountName"] == documents["ServiceAccount"]["metadata"]["name"], "there is no such ServiceAccount")
must(pod["securityContext"]["seccompProfile"]["type"] == "Localhost", "the default profile forbids io_uring")
stop = container["lifecycle"]["preStop"]["sleep"]["seconds"] + 5
must(pod["terminationGracePeriodSeconds"] > stop, "it is killed before it has answered")
limits, requests = container["resources"]["limits"], container["resources"]["requests"]
must({"cpu", "memory"} <= limits.keys() & requests.keys(), "no resources")
for line in wrong:
    print(f"{sys.argv[1]}: {line}", file=sys.stderr)
sys.exit(bool(wrong))
