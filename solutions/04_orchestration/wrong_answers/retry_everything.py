# task: retry
# loses: 1
# why: Tries every error again, also a wrong question.


def retry(function, attempts=4, first_wait=1.0, factor=2.0, passing=(ConnectionError, TimeoutError), sleep=time.sleep):
    if attempts < 1:
        raise ValueError("attempts must be at least 1")
    for attempt in range(attempts):
        try:
            return function()
        except Exception:
            if attempt == attempts - 1:
                raise
        sleep(first_wait * factor**attempt)
