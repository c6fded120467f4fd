"""Talk to a bench program that runs with --serve."""

import json
import subprocess


class Failed(Exception):
    """The program ended or refused; its reason is the text."""


class Server:
    """One process of stage_cost or pipeline; asked for one case at a time, asleep in between."""

    def __init__(self, program, windows, environment, plant=None):
        command = [str(program), "--serve", "--windows", str(windows)]
        if plant:
            command += ["--plant", plant]
        self.program = program
        self.process = subprocess.Popen(
            command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )

    def ask(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise Failed(f"{self.program} ended with {self.process.wait()} at '{line}'")
        answer = json.loads(answer)
        if "error" in answer:
            raise Failed(f"{self.program}: {line}: {answer['error']}")
        return answer

    def run(self, case):
        return self.ask(f"run {case}")

    def calibrate(self):
        return self.ask("calibrate")

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def cases_of(program):
    return subprocess.run([str(program), "--list"], text=True, capture_output=True, check=True).stdout.split()
