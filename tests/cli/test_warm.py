"""Commands choose warm kernels, unless somebody chose otherwise."""

import os

from course_lib.cli.warm import use_warm_kernels


def test_warm_kernels_are_chosen_unless_told_otherwise(monkeypatch):
    monkeypatch.setenv("JUPYTER_DEFAULT_PROVISIONER_NAME", "local-provisioner")
    use_warm_kernels()
    assert os.environ["JUPYTER_DEFAULT_PROVISIONER_NAME"] == "local-provisioner"
    monkeypatch.delenv("JUPYTER_DEFAULT_PROVISIONER_NAME")
    use_warm_kernels()
    assert os.environ["JUPYTER_DEFAULT_PROVISIONER_NAME"] == "warm"
