"""A module `xllamacpp` that is played: it answers with its process, or without end when asked for that.

What it is asked for stands in a file beside the model.
"""

PLAYED = """
import http.server, json, os, pathlib, threading, time

__version__, BUILD_INFO, SPEED = "1", {}, 10.0

class llama_load_mode:
    LLAMA_LOAD_MODE_NONE = 0

class Anything:
    pass

class CommonParams:
    def __init__(self):
        self.model, self.cpuparams, self.cpuparams_batch = Anything(), Anything(), Anything()

class Server:
    def __init__(self, parameters):
        self.model, folder = pathlib.Path(parameters.model.path), getattr(parameters, "slot_save_path", "")
        if not self.model.read_bytes().startswith(b"GGUF"):
            raise RuntimeError("no model")
        server, keys = self, parameters.api_keys

        class Slots(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                path, action = folder + asked["filename"], self.path.partition("action=")[2]
                known = self.headers["Authorization"] == f"Bearer {keys[0]}"
                if known and action == "save":
                    pathlib.Path(path).write_text("state")
                server.tell(action)
                self.send_response(200 if known else 401)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.http = http.server.HTTPServer(("127.0.0.1", 0), Slots)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.listening_address = "http://127.0.0.1:%d" % self.http.server_port

    def tell(self, what):
        with self.model.with_suffix(".log").open("a") as log:
            log.write(what + "\\n")

    def handle_chat_completions(self, request, on_chunk):
        asked = request["messages"][-1]["content"]
        self.tell("asked " + asked)
        if "Fail." in request["messages"][0]["content"]:
            return on_chunk({"error": {"message": "too much"}})
        text = lambda said: {"choices": [{"delta": {"content": said}, "finish_reason": None}]}
        while asked == "without end":
            if on_chunk(text("a")):
                return self.tell("stopped")
            time.sleep(0.01)
        on_chunk(text("42" if "17 + 25" in asked else str(os.getpid())))
        on_chunk({**text(""), "timings": {"prompt_per_second": SPEED, "predicted_per_second": SPEED}})
"""
