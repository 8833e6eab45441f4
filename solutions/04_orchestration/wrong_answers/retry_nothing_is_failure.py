# task: retry
# loses: 1
# why: Takes a result that is empty for a failure.


def retry(function, attempts=4, first_wait=1.0, factor=2.0, passing=(ConnectionError, TimeoutError), sleep=time.sleep):
    if attempts < 1:
        raise ValueError("attempts must be at least 1")
    result = None
    for attempt in range(attempts):
        try:
            result = function()
        except passing:
            if attempt == attempts - 1:
                raise
        if result:
            return result
        if attempt < attempts - 1:
            sleep(first_wait * factor**attempt)
    return result
