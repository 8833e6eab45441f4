# task: retry
# loses: 1
# why: Waits once more after the last attempt, and only then gives up.


def retry(function, attempts=4, first_wait=1.0, factor=2.0, passing=(ConnectionError, TimeoutError), sleep=time.sleep):
    if attempts < 1:
        raise ValueError("attempts must be at least 1")
    last = None
    for attempt in range(attempts):
        try:
            return function()
        except passing as error:
            last = error
            sleep(first_wait * factor**attempt)
    raise last
