"""From an author's text to what students open: build, run, verify, check and hand in notebooks."""
