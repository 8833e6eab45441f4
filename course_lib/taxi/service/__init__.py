"""The answer in the app: a Flask service that takes two zones and a time, and says how long the ride will take.

app = create_app(models=..., store=...)       # course_lib.taxi.service.app; any WSGI server runs it
"""
