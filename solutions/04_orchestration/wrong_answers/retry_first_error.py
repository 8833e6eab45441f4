# task: retry
# loses: 1
# why: Raises the first error, although the last one says how things are now.


def retry(function, attempts=4, first_wait=1.0, factor=2.0, passing=(ConnectionError, TimeoutError), sleep=time.sleep):
    if attempts < 1:
        raise ValueError("attempts must be at least 1")
    first = None
    for attempt in range(attempts):
        if attempt:
            sleep(first_wait * factor ** (attempt - 1))
        try:
            return function()
        except passing as error:
            first = first or error
    raise first
