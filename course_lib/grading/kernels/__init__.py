"""Kernels that start warm: forked from a process in which the libraries are already imported.

``provisioner`` holds what Jupyter sees, ``client`` what runs in the process that wants a kernel, ``template``
the process that is forked, ``keeper`` the small guard that stands between a kernel and its client, and
``child`` what a forked process does to become a kernel.
"""
