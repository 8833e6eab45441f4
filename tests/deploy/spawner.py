"""The pods that KubeSpawner would ask Kubernetes for, made by KubeSpawner itself: JSON, by profile.

Usage: python spawner.py USER <values.json        (with KubeSpawner's packages on PYTHONPATH)

The chart's own program, which hands the values to KubeSpawner, comes with the chart; `settings` does the part of it
that these values use.
"""

from __future__ import annotations

import asyncio
import json
import sys
from types import SimpleNamespace
from typing import Any


def settings(values: dict[str, Any]) -> dict[str, Any]:
    """KubeSpawner's options for the chart's ``singleuser`` values."""
    single = values["singleuser"]
    storage = single["storage"]
    home = {"name": "home", "persistentVolumeClaim": {"claimName": storage["static"]["pvcName"]}}
    mount = {"name": "home", "mountPath": storage["homeMountPath"], "subPath": storage["static"]["subPath"]}
    return {
        "image": f"{single['image']['name']}:{single['image']['tag']}",
        "image_pull_policy": single["image"]["pullPolicy"],
        "cmd": single["cmd"],
        "uid": single["uid"],
        "fs_gid": single["fsGid"],
        "allow_privilege_escalation": single["allowPrivilegeEscalation"],
        "mem_limit": single["memory"]["limit"],
        "mem_guarantee": single["memory"]["guarantee"],
        "cpu_limit": single["cpu"]["limit"],
        "cpu_guarantee": single["cpu"]["guarantee"],
        "environment": single["extraEnv"],
        "init_containers": single["initContainers"],
        "profile_list": single["profileList"],
        "volumes": [home, *storage["extraVolumes"]],
        "volume_mounts": [mount, *storage["extraVolumeMounts"]],
        "namespace": "course",
    }


async def pod(user: str, profile: str, values: dict[str, Any]) -> dict[str, Any]:
    """The pod of one student who chose that profile."""
    import kubespawner.spawner
    from jupyterhub.objects import Hub, Server
    from jupyterhub.orm import Spawner
    from kubernetes_asyncio.client import ApiClient

    # there is no cluster to ask
    kubespawner.spawner.load_config = kubespawner.spawner.shared_client = lambda *_, **__: None
    student = SimpleNamespace(name=user, id=1, url=f"/user/{user}/", escaped_name=user, server=Server(), settings={})
    options = {"user": student, "hub": Hub(), "orm_spawner": Spawner(name=""), "api_token": "t", "oauth_client_id": "o"}
    spawner = kubespawner.spawner.KubeSpawner(_mock=True, **options, **settings(values))
    spawner.user_options = {"profile": profile}
    await spawner.load_user_options()
    return ApiClient().sanitize_for_serialization(await spawner.get_pod_manifest())


async def pods(user: str, values: dict[str, Any]) -> dict[str, Any]:
    """The pod for each of the profiles."""
    slugs = [profile["slug"] for profile in values["singleuser"]["profileList"]]
    return {slug: await pod(user, slug, values) for slug in slugs}


if __name__ == "__main__":
    sys.modules["rfc3987_syntax"] = None  # seconds, for a format that no schema here uses
    print(json.dumps(asyncio.run(pods(sys.argv[1], json.load(sys.stdin)))))
