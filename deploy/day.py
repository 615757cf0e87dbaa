#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The scripted day of deploy/quickstart: starts sandbox and gateway, plays customers, and tells an act a line.

Every line is printed after the fact, from the sandbox's ledger and the gateway's own records. What should happen and
does not ends the day with a sentence and exit code 1.
"""
import argparse
import os
import signal
import sys
import time

sys.dont_write_bytecode = True
from stage import Clock, Stage, Wrong, free_ports, pad, port_is_free, until

START, SPEED = "2026-12-01T11:58", 10  # a Tuesday; the day takes less than a minute
GROUP_MESSAGES = 25                    # what the playbook says into the group at noon
PER_MINUTE = 20                        # what the platform takes


class Day:
    def __init__(self, stage):
        self.s, self.clock = stage, stage.clock

    def tell(self, at_ms, what, who, state, more=""):
        line = "%s %s  %s  %s  %s" % (self.clock.text(at_ms), pad(what, 10), pad(who, 18), pad(state, 10), more)
        print(line.rstrip(), flush=True)

    def took(self, since_ms, at_ms):
        return "%.1f s" % (max(0, at_ms - since_ms) / 1000)

    def answered(self, what, who, op, to, since_ms, more=""):
        """One call of `op` to the platform's id `to`, and the gateway's record of it."""
        call = self.s.call(op, to, since_ms)
        state = self.s.state(to, since_ms, ("accepted", "delivered"))
        self.tell(call["t_ms"], what, who, state["state"], (self.took(since_ms, call["t_ms"]) + "  " + more))
        return call

    # ---- acts ----

    def added(self, name, times):
        since = self.clock.now_ms()
        to = self.s.event("corp", "contact.added", userid="zhangsan", customer=name, times=times)
        self.answered("welcome", "zhang -> " + name, "externalcontact/send_welcome_msg", to, since)
        if times > 1:
            pushes = until("%d pushes acknowledged" % times,
                           lambda: [p for p in self.s.calls("push", to, since) if p["acknowledged"]][times - 1:]
                           and self.s.calls("push", to, since))
            welcomes = self.s.calls("externalcontact/send_welcome_msg", to, since)
            if len(welcomes) != 1:
                raise Wrong("%d pushes of one event made %d welcomes" % (times, len(welcomes)))
            self.tell(pushes[-1]["t_ms"], "repeats", "corp  " + name, "known", "%d pushes of one event, 1 welcome" % times)

    def kf_entered(self, name):
        since = self.clock.now_ms()
        to = self.s.event("kf", "kf.enter", customer=name)
        self.answered("welcome", "kf -> " + name, "kf/send_msg_on_event", to, since)

    def kf_says(self, name, text):
        since = self.clock.now_ms()
        to = self.s.event("kf", "kf.message", customer=name, text=text)
        self.answered("keyword", "kf -> " + name, "kf/send_msg", to, since, text)

    def follows(self, name):
        since = self.clock.now_ms()
        to = self.s.event("brand", "official.subscribe", customer=name)
        self.brand_answers("follow", name, to, since, "")
        return to

    def brand_answers(self, what, name, to, since, more):
        """In the callback, or, decided later than 4 s, by a message of its own: never both."""
        seen = until("an answer to " + name, lambda: self.s.calls("passive", to, since) +
                     self.s.calls("message/custom/send", to, since))
        if len(seen) > 1 or seen[0]["errcode"] != 0:
            raise Wrong("%s was answered like this: %s" % (name, seen))
        self.s.state(to, since, ("in_flight", "accepted"))
        how = "in the callback" if seen[0]["op"] == "passive" else "by custom/send"
        self.tell(seen[0]["t_ms"], what, "brand -> " + name, "answered",
                  "%s  %s  %s" % (self.took(since, seen[0]["t_ms"]), how, more))

    def brand_says(self, name, text):
        since = self.clock.now_ms()
        to = self.s.event("brand", "official.message", customer=name, text=text)
        self.brand_answers("keyword", name, to, since, text)

    def sms_says(self, name, phone, text, tag=None, refuses=None):
        since = self.clock.now_ms()
        self.s.event("sms", "sms.mo", customer=name, text=text)

        def known():
            people = self.s.people(phone)
            return any((tag in p["tags"]) if tag else (refuses in p["refuses"]) for p in people)
        until("%s to be %s" % (name, "tagged " + tag if tag else "known to refuse"), known)
        self.tell(since, "sms in", name + " -> sms", "tagged" if tag else "refused", '"%s"  %s' % (text, tag or refuses))

    def opt_in(self, phones):
        for name, phone in phones:
            self.sms_says(name, phone, "开通", tag="opted-in")

    # ---- noon ----

    def sent(self, since):
        return [c for c in self.s.calls("webhook/send", "hall", since) if c["errcode"] == 0]

    def broadcast(self):
        noon = self.clock.at("12:00:00")
        first = until("the broadcast of 12:00", lambda: self.sent(noon))
        self.tell(first[0]["t_ms"], "broadcast", "hall -> group", "accepted", "1 of %d" % GROUP_MESSAGES)
        full = until("%d messages in the group" % PER_MINUTE, lambda: self.sent(noon)[PER_MINUTE - 1:] and self.sent(noon))
        # The next call will be taken by the platform and not answered: kill() waits for it.
        self.s.control("faults", connection="hall", path="webhook/send", fate="slow-reply", ms=600000, times=1)
        self.tell(full[-1]["t_ms"], "broadcast", "hall -> group", "accepted", "%d of %d" % (len(full), GROUP_MESSAGES))
        held = until("a message held by the group's limit", lambda: self.s.live.deliveries(account="hall", state="held"))[0]
        why = next(t for t in self.s.why(held["id"]) if t["what"] == "held")
        d = why["detail"]
        if d["max"] != PER_MINUTE or "webhook" not in d["limit"]:
            raise Wrong("the message is held by another limit: %s" % d)
        self.tell(why["at_ms"], "held", "hall -> group", "held", "%s %d/%d until %s  (%s)" % (
            d["limit"], d["used"], d["max"], self.clock.text(d["until_ms"]), d["source"].split("(")[0].strip()))

    def kill(self):
        """In the middle of a call: the platform has the message, the gateway will never hear so."""
        call = until("the group's window to open again", lambda: self.sent(0)[PER_MINUTE:])[0]
        self.s.gateway.kill()
        killed = self.clock.now_ms()
        flying = self.s.live.deliveries(account="hall", state="in_flight")
        self.tell(call["t_ms"], "broadcast", "hall -> group", "in_flight", "%d of %d, the platform took it, no answer yet"
                  % (PER_MINUTE + 1, GROUP_MESSAGES))
        self.tell(killed, "kill -9", "gateway", "dead", "%d delivery in flight" % len(flying))
        if len(flying) != 1:
            raise Wrong("%d deliveries were in flight, expected 1: %s" % (len(flying), flying))
        to = self.s.event("kf", "kf.message", customer="小林", text="我要退货")
        self.s.start_gateway()
        last = self.s.why(flying[0]["id"])[-1]
        if last["detail"].get("state") != "unknown":
            raise Wrong("delivery %d was cut off by the kill and is %s" % (flying[0]["id"], last["detail"]))
        self.tell(last["at_ms"], "cut off", "hall -> group", "unknown", "%s; it stays counted" % last["detail"]["cause"])
        self.tell(self.s.ready_ms, "restart", "gateway", "ready", self.took(killed, self.s.ready_ms))
        self.answered("keyword", "kf -> 小林", "kf/send_msg", to, killed, "我要退货  (written while the gateway was dead)")
        everything = until(lambda: "all %d messages in the group, %d are" % (GROUP_MESSAGES, len(self.sent(0))),
                           lambda: len(self.sent(0)) >= GROUP_MESSAGES and self.sent(0))
        self.tell(everything[-1]["t_ms"], "broadcast", "hall -> group", "accepted", "%d of %d" % (len(everything), GROUP_MESSAGES))

    # ---- afternoon ----

    def care(self):
        at = self.clock.at("12:03:00")
        task = until("the task for zhang", lambda: self.s.calls("externalcontact/add_msg_template", since_ms=at))[0]
        self.tell(task["t_ms"], "task", "zhang -> %d 新客" % len(task["to"]), "created", "zhang must tap send")
        done = until("zhang to tap send", lambda: self.s.calls("task.sent", since_ms=at))[0]
        for to in task["to"]:
            self.s.state(to, at, ("delivered",))
        self.tell(done["t_ms"], "confirmed", "zhang -> %d 新客" % len(done["to"]), "delivered", self.took(at, done["t_ms"]))

    def sms_broadcast(self, at, to):
        since = self.clock.at(at)
        for name, phone in to:
            call = self.s.call("SendSms", phone, since)
            state = self.s.state(phone, since, ("delivered",))
            self.tell(call["t_ms"], "sms", "sms -> " + name, state["state"], self.took(since, state["at_ms"]))

    def refused(self, at, name, phone):
        state = self.s.state(phone, self.clock.at(at), ("suppressed",))
        if self.s.calls("SendSms", phone, self.clock.at(at)):
            raise Wrong("%s refused and was sent an SMS" % name)
        self.tell(state["at_ms"], "sms", "sms -> " + name, state["state"], state["cause"])

    # ---- the books ----

    def audit(self):
        """The ledger's own count, at the platform's clock."""
        sent = [c["t_ms"] for c in self.sent(0)]
        most = max(sum(1 for t in sent if first <= t < first + 60000) for first in sent)
        if most > PER_MINUTE or len(sent) != GROUP_MESSAGES:
            raise Wrong("the group saw %d messages, %d in one minute" % (len(sent), most))
        bodies = {c["body_sha256"] for c in self.sent(0)}
        refused = [c for c in self.s.lines if c["errcode"] != 0 and c["op"] not in ("push",)]
        if len(bodies) != GROUP_MESSAGES or refused:
            raise Wrong("repeats in the group: %d; calls that a platform refused: %s" % (len(sent) - len(bodies), refused))
        self.tell(self.clock.now_ms(), "ledger", "platforms", "agree",
                  "%d messages in the group, each once, at most %d in any minute; nothing refused" % (len(sent), most))

    def verify(self):
        found = self.s.siyu("verify", good=(0, 1))
        if not found["clean"]:
            raise Wrong("siyu verify found: %s" % "; ".join(found["violations"]))
        print("verify: clean", flush=True)

    def play(self):
        phones = [("李姐", "13800000001"), ("王阿姨", "13800000002"), ("陈小姐", "13800000003")]
        for at, act in (("11:58:20", lambda: self.added("小美", 3)), ("11:58:30", lambda: self.added("阿珍", 1)),
                        ("11:58:40", lambda: self.kf_entered("小美")), ("11:58:45", lambda: self.kf_says("小美", "我要抽獎")),
                        ("11:59:00", lambda: self.follows("小雨")), ("11:59:10", lambda: self.brand_says("小雨", "会员日")),
                        ("11:59:20", lambda: self.opt_in(phones))):
            self.clock.wait(at)
            act()
        self.broadcast()
        self.kf_says("小林", "会员日")
        self.kill()
        self.care()
        self.sms_broadcast("12:04:00", phones)
        self.sms_says("王阿姨", "13800000002", "R", refuses="marketing")
        self.sms_broadcast("12:06:00", [phones[0], phones[2]])
        self.refused("12:06:00", *phones[1])
        self.audit()
        self.verify()


def on_signal(_signum, _frame):
    raise KeyboardInterrupt


def read_arguments():
    p = argparse.ArgumentParser(prog="deploy/quickstart")
    p.add_argument("--siyu", required=True)
    p.add_argument("--dir", required=True)
    p.add_argument("--port-base", required=True, help="gateway here, sandbox 100 higher; auto: two free ones")
    p.add_argument("--once", action="store_true")
    return p.parse_args()


def ports(base):
    if base == "auto":
        return free_ports(2)
    if not base.isdecimal() or not 1024 <= int(base) <= 65435:
        raise Wrong("--port-base %s: expected a port from 1024 to 65435, or auto" % base)
    gateway, sandbox = int(base), int(base) + 100
    for name, port in (("gateway", gateway), ("sandbox", sandbox)):
        if not port_is_free(port):
            raise Wrong("port %d (%s) is taken: stop the program that listens there, or run deploy/quickstart --port-base %d"
                        % (port, name, gateway + 1000 if gateway < 60000 else 8600))
    return gateway, sandbox


def tell_commands(siyu, folder):
    siyu, folder = os.path.relpath(siyu), os.path.relpath(folder)
    print("try:", flush=True)
    print("  %s sandbox say -c %s/sandbox.yaml 小美 抽奖" % (siyu, folder))
    print("  %s why -c %s/siyu.yaml 小美" % (siyu, folder))
    print("  %s verify -c %s/siyu.yaml" % (siyu, folder), flush=True)


SENDS = {"externalcontact/send_welcome_msg": "welcome", "kf/send_msg_on_event": "welcome", "kf/send_msg": "message",
         "message/custom/send": "message", "passive": "message", "webhook/send": "broadcast", "SendSms": "sms",
         "externalcontact/add_msg_template": "task"}


def stay(stage, day):
    """Tells what the platforms see until somebody ends us."""
    print("both keep running, %d times as fast as the sun; Ctrl-C ends them" % SPEED, flush=True)
    told = stage.ledger()[-1]["seq"]
    while True:
        stage.watch()
        for line in [one for one in stage.ledger() if one["seq"] > told and one["op"] in SENDS]:
            state = "accepted" if line["errcode"] == 0 else "errcode %d" % line["errcode"]
            day.tell(line["t_ms"], SENDS[line["op"]], "%s -> %s" % (line["connection"], stage.name_of(line["to"])), state)
        told = stage.lines[-1]["seq"]
        time.sleep(0.2)


def run(args, stage):
    stage.prepare()
    stage.start_sandbox()
    stage.start_gateway()
    print("ready: http://127.0.0.1:%d" % stage.gateway_port, flush=True)
    day = Day(stage)
    day.play()
    tell_commands(args.siyu, args.dir)
    if not args.once:
        stay(stage, day)


def main():
    args = read_arguments()
    stage = None
    code = 1
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, on_signal)
    try:
        stage = Stage(args.siyu, args.dir, *ports(args.port_base), Clock(START, SPEED))
        run(args, stage)
        code = 0
    except Wrong as wrong:
        print("quickstart: %s" % wrong, file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print("stopping", flush=True)
        code = 1 if args.once else 0
    finally:
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(one, signal.SIG_IGN)
        if stage and stage.close() != 0 and code == 0:
            print("quickstart: the gateway did not end well:\n%s" % stage.gateway.last_words(), file=sys.stderr)
            code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
