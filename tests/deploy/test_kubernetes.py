"""The values for JupyterHub's chart and the objects beside them: known keys, right types, one story in both."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from course_lib.student_id import student_id
from course_lib.workbook import lab_hub
from tests.deploy import kubernetes
from tests.deploy.packages import ROOT

DEPLOY = ROOT / "deploy"
SCHEMA = json.loads((DEPLOY / "values.schema.json").read_text(encoding="utf-8"))
# what Kubernetes' "baseline" lets a container add
BASELINE = {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"}


def read_values():
    return yaml.safe_load((DEPLOY / "values.yaml").read_text(encoding="utf-8"))


def read_objects():
    files = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    return [document for file in files for document in yaml.safe_load_all(file.read_text(encoding="utf-8"))]


def only(kind, name=None):
    (found,) = [o for o in read_objects() if o["kind"] == kind and name in (None, o["metadata"]["name"])]
    return found


def amount(text):
    """Kubernetes' and JupyterHub's numbers, as bytes or processors."""
    number, unit = re.fullmatch(r"([\d.]+)([a-zA-Z]*)", str(text)).groups()
    scale = {"": 1, "m": 1e-3, "k": 1e3, "Mi": 2**20, "Gi": 2**30, "M": 2**20, "G": 2**30}  # the last two: JupyterHub's
    return float(number) * scale[unit]


@pytest.fixture(scope="module")
def pods():
    """A student's pod for each profile, by KubeSpawner itself."""
    return kubernetes.python(Path(__file__).with_name("spawner.py"), "ann.lee@uni", given=read_values())


def test_the_values_fit_their_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(read_values(), SCHEMA)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("singleuser", "memory", "limit"), "1500 MB"),
        (("singleuser", "memory", "limit"), None),
        (("singleuser", "image", "tag"), "latest"),
        (("singleuser", "storage", "extraVolumeMount"), []),
        (("singleuser", "networkPolicy", "egressAllowRules", "nonPrivateIP"), False),
        (("singleuser", "profileList", 0, "kubespawner_override"), {"memory": "3G"}),
        (("singleuser", "initContainers", 0, "volumeMounts", 0, "subpath"), "x"),
        (("cull", "timeout"), "5400s"),
        (("hub", "config", "JupyterHub"), "oauth"),
        (("auth",), {"type": "dummy"}),
    ],
)
def test_what_the_chart_would_not_know_is_found(path, value):
    values = copy.deepcopy(read_values())
    *way, last = path
    place = values
    for step in way:
        place = place[step]
    place[last] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(values, SCHEMA)


def test_kubernetes_takes_every_object_and_the_pods_that_kubespawner_makes_of_the_values(pods):
    objects = read_objects()
    assert {o["kind"] for o in objects} == {
        *("Namespace", "ResourceQuota", "LimitRange", "PersistentVolumeClaim", "NetworkPolicy", "Deployment")
    }
    broken = copy.deepcopy(only("Deployment"))
    broken["spec"]["template"]["spec"]["containers"][0]["volumeMount"] = []
    also = copy.deepcopy(pods["course"]) | {"spec": pods["course"]["spec"] | {"restartPolicy": 3}}
    found = kubernetes.problems({"objects": objects, "pods": list(pods.values()), "broken": [broken, also]})
    assert (found["objects"], found["pods"]) == ([], [])
    assert len(found["broken"]) == 2 * len(kubernetes.VERSIONS)


def test_a_student_s_pod_sees_only_that_student_s_folders(pods):
    for pod in pods.values():
        (server,) = pod["spec"]["containers"]
        (first,) = pod["spec"]["initContainers"]
        for container in (server, first):
            folders = {mount["name"]: mount.get("subPath") for mount in container["volumeMounts"]}
            # the folder's name is the hub's name for the student, and the gradebook's
            assert (folders.pop("home"), folders.pop("drop")) == ("ann.lee@uni", "ann.lee@uni")
            assert set(folders) <= {"release"}
        (release,) = [mount for mount in server["volumeMounts"] if mount["name"] == "release"]
        assert release["readOnly"] is True
        claims = {volume["persistentVolumeClaim"]["claimName"] for volume in pod["spec"]["volumes"]}
        assert claims == {o["metadata"]["name"] for o in read_objects() if o["kind"] == "PersistentVolumeClaim"}
        assert pod["spec"]["automountServiceAccountToken"] is False


def test_names_that_the_hub_lets_in_are_folders_and_student_ids():
    pattern = re.compile(read_values()["hub"]["config"]["Authenticator"]["username_pattern"])
    for name in ("alice", "ann.lee@uni", "s-01", "m_2"):
        assert pattern.match(name)
        assert student_id(name) == name
    for name in ("a/b", "..", "../bob", ".hidden", "a..b", "bob\n", "Bob", "", "{username}", "-rf", "bob/../ann"):
        assert not pattern.fullmatch(name), name


def test_pods_keep_to_baseline_and_to_the_namespace_s_limits(pods):
    most = amount(only("LimitRange")["spec"]["limits"][0]["max"]["memory"])
    for pod in pods.values():
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod["spec"].keys()
        assert all("persistentVolumeClaim" in volume for volume in pod["spec"]["volumes"])
        for container in (*pod["spec"]["containers"], *pod["spec"]["initContainers"]):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert not context.get("privileged")
            assert set(context.get("capabilities", {}).get("add", [])) <= BASELINE
            limit, request = (container["resources"][kind]["memory"] for kind in ("limits", "requests"))
            assert amount(request) <= amount(limit) <= most
        assert pod["spec"]["containers"][0]["securityContext"]["runAsUser"] == 1000
    assert only("Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"


def test_the_quota_has_room_for_as_many_servers_as_the_hub_lets_start():
    values, quota = read_values(), only("ResourceQuota")["spec"]["hard"]
    single, hub, proxy = values["singleuser"], values["hub"]["resources"], values["proxy"]["chp"]["resources"]
    servers = values["hub"]["activeServerLimit"] + values["scheduling"]["userPlaceholder"]["replicas"]
    assert servers + 10 <= amount(quota["pods"])
    for kind, each in (("memory", single["memory"]["guarantee"]), ("cpu", single["cpu"]["guarantee"])):
        core = amount(hub["requests"][kind]) + amount(proxy["requests"][kind])
        assert servers * amount(each) + core <= amount(quota[f"requests.{kind}"]), kind


def test_the_policy_closes_the_pods_that_are_made_and_nothing_leaves_the_cluster(pods):
    policy = only("NetworkPolicy", "students")["spec"]
    for pod in pods.values():
        assert policy["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
        ports = [port["containerPort"] for port in pod["spec"]["containers"][0]["ports"]]
        assert ports == [port["port"] for rule in policy["ingress"] for port in rule["ports"]]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert not re.search("ipBlock", json.dumps(policy))
    chart = read_values()["singleuser"]["networkPolicy"]
    assert (chart["enabled"], chart["egress"]) == (True, [])
    assert [rule for rule, open_ in chart["egressAllowRules"].items() if open_] == ["dnsPortsKubeSystemNamespace"]
    instructor = only("NetworkPolicy", "instructor")["spec"]
    labels = only("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert instructor["podSelector"]["matchLabels"] == labels
    assert not {"ingress", "egress"} & instructor.keys()


def test_one_image_everywhere_and_the_settings_that_the_server_reads(pods):
    single = read_values()["singleuser"]
    image = f"{single['image']['name']}:{single['image']['tag']}"
    (instructor,) = only("Deployment")["spec"]["template"]["spec"]["containers"]
    used = {instructor["image"], *(c["image"] for c in single["initContainers"])}
    assert used == {image}
    assert set(single["extraEnv"]) == {lab_hub.REPOSITORY, lab_hub.FOLDER, lab_hub.IDLE, "COURSE_SUBMIT_TO"}
    (server,) = pods["course"]["spec"]["containers"]
    mounts = {mount["mountPath"] for mount in server["volumeMounts"]}
    paths = [Path(single["extraEnv"][name]) for name in (lab_hub.REPOSITORY, lab_hub.FOLDER, "COURSE_SUBMIT_TO")]
    assert all(any(path.is_relative_to(mount) for mount in mounts) for path in paths)
    assert server["args"] == ["course", "lab", "--hub"]


def test_nothing_here_is_a_secret():
    for path in DEPLOY.rglob("*"):
        if path.is_file() and path.suffix != ".lock":
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"(?i)(password|secret|token|api_?key)\"?\s*[:=]\s*[\"']?[\w/+-]{8,}", text), path.name
