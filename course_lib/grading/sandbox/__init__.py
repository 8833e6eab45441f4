"""Kernels for code that nobody has read: a submission sees nothing, reaches nothing and can't take the machine.

``policy`` says what a kernel may use, ``provisioner`` is what Jupyter sees, ``probe`` tells whether it works here.

How it is built. bubblewrap makes the room: its own processes, network, mounts and hostname, the system read-only,
nothing of anybody's home. The kernel itself is forked from the warm template (``course_lib.grading.kernels``) and
walks into that room (``namespaces``, ``inside``), gives up every privilege, takes on its limits and a filter on
system calls (``filter``), and only then starts to listen. Its keeper (``keeper``) stays outside, watches the clock
and the memory of the whole room, and empties it at the end by killing its first process, which takes along
whatever a submission has left running.
"""
