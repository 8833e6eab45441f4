# task: about
# loses: 2
# why: Takes the service's own words, which follow other rules.

