# task: retry
# loses: 1
# why: Retries every OSError, also a full disk and a file that is not there.


def retry(function, attempts=4, first_wait=1.0, factor=2.0, passing=(OSError,), sleep=time.sleep):
    if attempts < 1:
        raise ValueError(f"attempts must be at least 1, not {attempts}")
    wait = first_wait
    for attempt in range(1, attempts + 1):
        try:
            return function()
        except passing:
            if attempt == attempts:
                raise
        sleep(wait)
        wait *= factor
