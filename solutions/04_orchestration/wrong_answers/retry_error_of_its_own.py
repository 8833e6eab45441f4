# task: retry
# loses: 1
# why: Hides the last error behind one of its own.


def retry(function, attempts=4, first_wait=1.0, factor=2.0, passing=(ConnectionError, TimeoutError), sleep=time.sleep):
    if attempts < 1:
        raise ValueError("attempts must be at least 1")
    for attempt in range(attempts):
        if attempt:
            sleep(first_wait * factor ** (attempt - 1))
        try:
            return function()
        except passing:
            pass
    raise RuntimeError(f"gave up after {attempts} attempts")
