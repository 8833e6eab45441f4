from tests.grading.classes.fixtures import course, grader, sandboxed

__all__ = ["course", "grader", "sandboxed"]
