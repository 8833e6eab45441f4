# task: about
# loses: 2
# why: Takes the service's own words, which follow other rules.

from course_lib.taxi.service import wording


def about(minutes):
    return wording.about(minutes)
