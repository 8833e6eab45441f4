# task: stage
# loses: 2
# why: One stage for all: nothing is known of planning, deployment or monitoring.

stage = dict.fromkeys("abcdefghijkl", "development")
