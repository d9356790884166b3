"""The local web page on which a person pages through labels, accepts, rejects and corrects them.

GET    /                                      the page
GET    /api/pairs                             the pairs with their decisions
PUT    /api/decisions/INDEX?reviewed=DIGEST     {"accepted": bool, "rectangles": [...] or null}
DELETE /api/decisions/INDEX?reviewed=DIGEST     takes a decision back
GET    /frames/NAME.png                       color image of a frame
GET    /labels/FILE.png                       mask of a pair

DIGEST is that of the label as `/api/pairs` gave it. Only this machine's browser and the page
itself are answered: another host name, another origin or a body over 1 MiB is refused.
"""

from pathlib import Path

from flask import Flask, Request, Response, abort, jsonify, request, send_file
from werkzeug.exceptions import HTTPException
from werkzeug.serving import BaseWSGIServer, make_server

from grasp_affordance.annotation.decisions import Decision, decision_from_dict, decision_to_dict
from grasp_affordance.annotation.review.desk import Desk
from grasp_affordance.errors import GraspAffordanceError, SequenceError
from grasp_affordance.files import inside, parse_json

ADDRESS = "127.0.0.1"
LARGEST_BODY = 2**20  # bytes


class _LocalRequest(Request):
    trusted_hosts = [ADDRESS, "localhost"]  # noqa: RUF012  werkzeug's own attribute


def create_app(desk: Desk) -> Flask:
    """Return the web application of a desk."""
    app = Flask(__name__, static_folder="assets", static_url_path="/assets")
    app.request_class = _LocalRequest
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY

    def page() -> Response:
        return app.send_static_file("review.html")

    def pairs() -> Response:
        return jsonify(desk.describe())

    def decide(index: int) -> Response:
        decision = _asked_decision(request)
        desk.decide(index, _reviewed(request), decision)
        return jsonify(decision_to_dict(decision))

    def take_back(index: int) -> Response:
        desk.decide(index, _reviewed(request), None)
        return jsonify(None)

    def frame(name: str) -> Response:
        return _image(Path(desk.content().sequence), f"{name}.color.png")

    def label(name: str) -> Response:
        return _image(desk.labels, f"{name}.png")

    app.get("/")(page)
    app.get("/api/pairs")(pairs)
    app.put("/api/decisions/<int:index>")(decide)
    app.delete("/api/decisions/<int:index>")(take_back)
    app.get("/frames/<name>.png")(frame)
    app.get("/labels/<name>.png")(label)
    app.before_request(_refuse_strangers)
    app.after_request(_keep_to_itself)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(GraspAffordanceError, _failed)
    return app


def make_review_server(desk: Desk, port: int) -> BaseWSGIServer:
    """Return a server for this machine only; port 0 takes a free one, see its `server_port`.

    Raises:
        SequenceError: the port is taken.
    """
    try:
        return make_server(ADDRESS, port, create_app(desk), threaded=True)
    except (OSError, SystemExit) as error:  # werkzeug exits where a port is taken
        raise SequenceError(f"port {port} cannot be served; choose another with --port") from error


def _refuse_strangers() -> None:
    """Answer neither another host's name (DNS rebinding) nor another site's page."""
    own = f"{request.scheme}://{request.host}"  # werkzeug refuses hosts that are not trusted
    if request.headers.get("Origin", own) != own:
        abort(403, f"the page {request.headers['Origin']} may not ask here")


def _keep_to_itself(response: Response) -> Response:
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["X-Frame-Options"] = "DENY"
    return response


def _image(folder: Path, name: str) -> Response:
    try:
        path = inside(folder, name)
    except SequenceError as error:
        abort(404, str(error))
    if not path.is_file():
        abort(404, f"{name} is missing")
    return send_file(path.resolve(), "image/png")


def _reviewed(asked: Request) -> str:
    reviewed = asked.args.get("reviewed", "")
    if not reviewed:
        raise SequenceError("the digest of the reviewed label is missing; reload the page")
    return reviewed


def _asked_decision(asked: Request) -> Decision:
    if not asked.is_json:
        abort(415, "a decision is sent as application/json")
    if asked.content_length is None:
        abort(411, "the length of a decision is sent before it")
    try:
        return decision_from_dict(parse_json(asked.get_data()))
    except (GraspAffordanceError, KeyError, TypeError, ValueError) as error:
        raise SequenceError(f"not a decision: {error}") from error


def _refused(error: HTTPException) -> tuple[Response, int]:
    return jsonify({"error": error.description}), error.code or 500


def _failed(error: GraspAffordanceError) -> tuple[Response, int]:
    return jsonify({"error": str(error)}), 400
