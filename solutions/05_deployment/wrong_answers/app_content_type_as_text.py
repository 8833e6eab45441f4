# task: create_app
# loses: 1
# why: Compares the content type as a text: a charset behind it makes it another one.


def create_app(minutes_for, version):
    app = Flask("mine")

    def reply(body, status=200):
        response = jsonify(body)
        response.status_code = status
        response.headers["X-Request-ID"] = g.id
        return response

    @app.before_request
    def name_it():
        g.id = request.headers.get("X-Request-ID") or str(uuid.uuid4())

    @app.route("/predict", methods=["POST"])
    def predict():
        if request.content_type != "application/json":
            return reply({"reason": "not_json"}, 415)
        ride = request.get_json(silent=True)
        if ride is None:
            return reply({"reason": "broken_json"}, 400)
        if not isinstance(ride, dict):
            return reply({"reason": "not_an_object"}, 422)
        fields = ["pickup", "dropoff", "time"]
        missing = [f for f in fields if ride.get(f) is None]
        if missing:
            return reply({"reason": "missing", "fields": missing}, 422)
        if minutes_for is None:
            return reply({"reason": "no_model"}, 503)
        try:
            minutes = float(minutes_for(ride["pickup"], ride["dropoff"], ride["time"]))
            ok = math.isfinite(minutes) and minutes >= 0
        except Exception:
            ok = False
        if not ok:
            return reply({"reason": "internal"}, 500)
        return reply({"minutes": minutes, "model_version": version, "request_id": g.id})

    @app.route("/health/ready")
    def ready():
        if minutes_for is None:
            return reply({"ready": False, "model_version": version}, 503)
        return reply({"ready": True, "model_version": version})

    return app


def ask_running(make_app, rides, timeout=1.0):
    answers = []
    with running(make_app) as service:
        for ride in rides:
            answer = None
            try:
                response = requests.post(service.url + "/predict", json=ride, timeout=timeout)
                if response.status_code == 200:
                    answer = response.json()["minutes"]
            except requests.RequestException:
                pass
            answers.append(answer)
    return answers
