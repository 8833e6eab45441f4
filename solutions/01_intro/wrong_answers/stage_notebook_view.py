# task: stage
# loses: 2
# why: Everything that touches data is data work; everything with a model is development.

stage = {
    "a": "development",
    "b": "data",
    "c": "planning",
    "d": "data",
    "e": "development",
    "f": "development",
    "g": "development",
    "h": "data",
    "i": "planning",
    "j": "data",
    "k": "development",
    "l": "development",
}
