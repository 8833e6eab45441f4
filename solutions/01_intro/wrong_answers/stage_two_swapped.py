# task: stage
# loses: 1
# why: Takes choosing between settings for evaluation, and judging the candidate for development.

stage = {
    "a": "deployment",
    "b": "data",
    "c": "planning",
    "d": "monitoring",
    "e": "evaluation",
    "f": "evaluation",
    "g": "deployment",
    "h": "data",
    "i": "planning",
    "j": "monitoring",
    "k": "development",
    "l": "development",
}
