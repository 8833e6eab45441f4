# task: retry
# loses: 2
# why: Takes attempts for the number of repeats, and so calls once too often.


def retry(function, attempts=4, first_wait=1.0, factor=2.0, passing=(ConnectionError, TimeoutError), sleep=time.sleep):
    wait = first_wait
    for attempt in range(attempts + 1):
        try:
            return function()
        except passing:
            if attempt == attempts:
                raise
        sleep(wait)
        wait *= factor
