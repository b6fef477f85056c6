"""Files and batches of both providers: requests handed in at once, answered later, at a lower price."""

import json
import time
from datetime import UTC, datetime, timedelta
from functools import partial

import fake_anthropic
import fake_openai
from fake_http import Refused, Reply, needed, new_id

HOUR = 3600


class Batches:
    """All files and batches of a server.

    A batch is done when it was asked for ``polls`` times, and charged for then, but once.
    """

    def __init__(self, server):
        self.server, self.files, self.jobs = server, {}, {}

    def find(self, job_id):
        if job_id not in self.jobs:
            kind = "not_found_error" if job_id.startswith("msgbatch_") else "invalid_request_error"
            raise Refused(404, kind, f"No batch found with id '{job_id}'.")
        return self.jobs[job_id]

    def answer(self, job):
        """Answer a batch's requests, if it is time for that."""
        job["polled"] += 1
        if job["lines"] is None and not job["cancelled"] and job["polled"] > self.server.polls:
            job["lines"] = [job["one"](row) for row in job["rows"]]

    # OpenAI: a file is uploaded, a batch made of it, and its answers are another file.

    def upload(self, request):
        form = request.form
        needed(form, "file", "purpose")
        name, raw = form["file"]
        return Reply(self.keep(name, raw, form["purpose"]))

    def keep(self, name, raw, purpose):
        file = new_id("file-")
        self.files[file] = {
            "id": file, "object": "file", "bytes": len(raw), "created_at": int(time.time()), "filename": name,
            "purpose": purpose, "status": "processed", "raw": raw,
        }  # fmt: skip
        return {key: value for key, value in self.files[file].items() if key != "raw"}

    def file(self, file, *, raw=False):
        if file not in self.files:
            raise Refused(404, "invalid_request_error", f"No such File object: {file}")
        about = dict(self.files[file])
        content = about.pop("raw")
        return Reply(content, kind="application/octet-stream") if raw else Reply(about)

    def remove_file(self, file):
        self.file(file)
        del self.files[file]
        return Reply({"id": file, "object": "file", "deleted": True})

    def create_openai(self, body):
        needed(body, "input_file_id", "endpoint", "completion_window")
        if body["endpoint"] not in {"/v1/chat/completions", "/v1/completions"} or body["completion_window"] != "24h":
            raise Refused(400, "invalid_request_error", "endpoint or completion_window: not supported")
        self.file(body["input_file_id"])
        rows = [json.loads(line) for line in self.files[body["input_file_id"]]["raw"].splitlines() if line.strip()]
        ids = [row.get("custom_id") for row in rows]
        if not ids or len(set(ids)) < len(ids) or any(row.get("url") != body["endpoint"] for row in rows):
            raise Refused(
                400, "invalid_request_error", "The batch's lines need custom_ids of their own and its endpoint"
            )
        job = new_id("batch_")
        self.jobs[job] = {
            "id": job, "rows": rows, "one": self.one_openai, "lines": None, "polled": 0, "cancelled": False,
            "made": int(time.time()), "given": body, "output": None, "errors": None,
        }  # fmt: skip
        return Reply(self.about_openai(self.jobs[job]))

    def one_openai(self, row):
        """Return a line of the answers' file."""
        chat = row["url"] == "/v1/chat/completions"
        check, make = (fake_openai.check_chat, fake_openai.chat) if chat else (fake_openai.check_text, fake_openai.text)
        about = {"id": new_id("batch_req_"), "custom_id": row["custom_id"], "error": None}
        reply = self.server.work_in_batch("openai", row["url"], row["body"], check, make)
        returned = {"status_code": reply.status, "request_id": new_id("req_"), "body": reply.body}
        return about | {"response": returned}

    def about_openai(self, job):
        """Return a batch as OpenAI tells it; its answers become a file, its failures another."""
        done = job["lines"] is not None
        if done and job["output"] is None:
            groups = [[], []]
            for line in job["lines"]:
                groups[line["response"]["status_code"] != 200].append(json.dumps(line) + "\n")
            for name, lines in zip(("output", "errors"), groups, strict=True):
                raw = "".join(lines).encode()
                job[name] = self.keep(f"{job['id']}_{name}.jsonl", raw, "batch_output")["id"] if lines else None
            job["failed"] = len(groups[1])
        status = "completed" if done else "cancelled" if job["cancelled"] else "in_progress"
        failed = job.get("failed", 0)
        counts = {"total": len(job["rows"]), "completed": len(job["rows"]) - failed if done else 0, "failed": failed}
        return {
            "id": job["id"], "object": "batch", "endpoint": job["given"]["endpoint"], "errors": None, "status": status,
            "input_file_id": job["given"]["input_file_id"], "completion_window": "24h", "created_at": job["made"],
            "output_file_id": job["output"], "error_file_id": job["errors"], "expires_at": job["made"] + 24 * HOUR,
            "request_counts": counts, "metadata": job["given"].get("metadata"),
        }  # fmt: skip

    # Anthropic: the requests stand in the batch itself, and its results are a stream of lines.

    def create_anthropic(self, request):
        body, version = request.json, request.headers["anthropic-version"]
        needed(body, "requests")
        rows = body["requests"]
        ids = [row.get("custom_id") for row in rows]
        if not ids or len(set(ids)) < len(ids) or any(not i or len(i) > 64 for i in ids):
            raise Refused(400, "invalid_request_error", "requests: custom_id must be unique and of 1 to 64 characters")
        job = new_id("msgbatch_")
        self.jobs[job] = {
            "id": job, "rows": rows, "one": partial(self.one_anthropic, version), "lines": None, "polled": 0,
            "cancelled": False, "made": datetime.now(UTC), "base": request.base,
        }  # fmt: skip
        return Reply(self.about_anthropic(self.jobs[job]))

    def one_anthropic(self, version, row):
        """Return a line of the results."""
        check = partial(fake_anthropic.check, version=version)
        reply = self.server.work_in_batch("anthropic", "/v1/messages", row["params"], check, fake_anthropic.messages)
        kind, what = ("succeeded", "message") if reply.status == 200 else ("errored", "error")
        return {"custom_id": row["custom_id"], "result": {"type": kind, what: reply.body}}

    def about_anthropic(self, job):
        """Return a batch as Anthropic tells it."""
        ended = job["lines"] is not None or job["cancelled"]
        kinds = [line["result"]["type"] for line in job["lines"] or ()]
        counts = {kind: kinds.count(kind) for kind in ("succeeded", "errored", "expired")}
        counts |= {"canceled": len(job["rows"]) - len(kinds) if ended else 0}
        counts |= {"processing": 0 if ended else len(job["rows"])}
        at, later = job["made"].isoformat(), (job["made"] + timedelta(hours=24)).isoformat()
        results = f"{job['base']}/v1/messages/batches/{job['id']}/results" if ended else None
        return {
            "id": job["id"], "type": "message_batch", "processing_status": "ended" if ended else "in_progress",
            "request_counts": counts, "created_at": at, "expires_at": later, "ended_at": at if ended else None,
            "cancel_initiated_at": at if job["cancelled"] else None, "archived_at": None, "results_url": results,
        }  # fmt: skip

    def results(self, job_id):
        job = self.find(job_id)
        if self.about_anthropic(job)["processing_status"] != "ended":
            raise Refused(400, "invalid_request_error", "The batch has not ended yet.")
        raw = "".join(json.dumps(line) + "\n" for line in job["lines"] or ())
        return Reply(raw.encode(), kind="application/x-jsonl")

    # Both.

    def state(self, job_id):
        job = self.find(job_id)
        self.answer(job)
        return Reply(self.about(job))

    def cancel(self, job_id):
        job = self.find(job_id)
        job["cancelled"] = job["lines"] is None
        return Reply(self.about(job))

    def listed(self, prefix):
        found = [self.about(job) for job in self.jobs.values() if job["id"].startswith(prefix)]
        ends = (
            {"first_id": found[0]["id"], "last_id": found[-1]["id"]} if found else {"first_id": None, "last_id": None}
        )
        return Reply({"object": "list", "data": found, "has_more": False, **ends})

    def about(self, job):
        return (self.about_anthropic if job["id"].startswith("msgbatch_") else self.about_openai)(job)
