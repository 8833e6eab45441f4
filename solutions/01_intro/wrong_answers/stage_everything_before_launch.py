# task: stage
# loses: 2
# why: Sees no difference between developing and evaluating, or between putting live and watching.

stage = {
    "a": "monitoring",
    "b": "data",
    "c": "planning",
    "d": "evaluation",
    "e": "evaluation",
    "f": "development",
    "g": "deployment",
    "h": "data",
    "i": "planning",
    "j": "data",
    "k": "development",
    "l": "evaluation",
}
