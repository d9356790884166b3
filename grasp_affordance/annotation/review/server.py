"""The local web page on which a person pages through labels, accepts, rejects and corrects them.

GET    /                        the page
GET    /api/pairs               the pairs with their decisions
PUT    /api/decisions/INDEX     {"accepted": bool, "rectangles": [...] or null}
DELETE /api/decisions/INDEX     takes a decision back
GET    /frames/NAME.png         color image of a frame
GET    /labels/FILE.png         mask of a pair
"""

from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request, send_from_directory
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, make_server

from grasp_affordance.annotation.decisions import Decision, decision_from_dict, decision_to_dict
from grasp_affordance.annotation.review.desk import Desk
from grasp_affordance.errors import GraspAffordanceError, SequenceError


def create_app(desk: Desk) -> Flask:
    """Return the web application of a desk."""
    app = Flask(__name__, static_folder="assets", static_url_path="/assets")

    def page() -> Response:
        return app.send_static_file("review.html")

    def pairs() -> Response:
        return jsonify(desk.describe())

    def decide(index: int) -> Response:
        decision = _asked_decision(request.get_json())
        desk.decide(index, decision)
        return jsonify(decision_to_dict(decision))

    def take_back(index: int) -> Response:
        desk.decide(index, None)
        return jsonify(None)

    def frame(name: str) -> Response:
        return send_from_directory(desk.frames, f"{name}.color.png")

    def label(name: str) -> Response:
        return send_from_directory(desk.labels, f"{name}.png")

    app.get("/")(page)
    app.get("/api/pairs")(pairs)
    app.put("/api/decisions/<int:index>")(decide)
    app.delete("/api/decisions/<int:index>")(take_back)
    app.get("/frames/<name>.png")(frame)
    app.get("/labels/<name>.png")(label)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(GraspAffordanceError, _failed)
    return app


def make_review_server(labels: Path, port: int) -> BaseWSGIServer:
    """Return a server for this machine only; port 0 takes a free one, see its `server_port`.

    Raises:
        SequenceError: no readable labels, or the port is taken.
    """
    app = create_app(Desk(labels))
    try:
        return make_server("127.0.0.1", port, app, threaded=True)
    except (OSError, SystemExit) as error:  # werkzeug exits where a port is taken
        raise SequenceError(f"port {port} cannot be served; choose another with --port") from error


def _asked_decision(data: Any) -> Decision:
    try:
        return decision_from_dict(data)
    except (GraspAffordanceError, KeyError, TypeError, ValueError) as error:
        raise SequenceError(f"not a decision: {error}") from error


def _refused(error: HTTPException) -> tuple[Response, int]:
    return jsonify({"error": error.description}), error.code or 500


def _failed(error: GraspAffordanceError) -> tuple[Response, int]:
    return jsonify({"error": str(error)}), 400
