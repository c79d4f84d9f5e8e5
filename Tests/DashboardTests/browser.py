"""Headless Chromium over its DevTools protocol: enough of it to test one page."""

import asyncio
import base64
import contextlib
import itertools
import json
import os
import re
import shutil
import tempfile
import urllib.request

from websockets.asyncio.client import connect

DEADLINE = 30


class BrowserError(Exception):
    pass


class Page:
    """A tab. What goes wrong in it is gathered in `errors`."""

    def __init__(self, socket):
        self.socket = socket
        self.numbers = itertools.count(1)
        self.answers = {}
        self.errors = []
        self.reader = asyncio.create_task(self.read())

    async def read(self):
        async for text in self.socket:
            message = json.loads(text)
            if "id" in message:
                future = self.answers.pop(message["id"], None)
                if future and not future.done():
                    future.set_result(message)
            else:
                self.note(message["method"], message["params"])

    def note(self, method, parameters):
        if method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.errors.append(" ".join(str(item.get("value")) for item in parameters["args"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.errors.append(parameters["entry"]["text"])

    async def send(self, method, **parameters):
        number = next(self.numbers)
        future = asyncio.get_running_loop().create_future()
        self.answers[number] = future
        await self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        answer = await asyncio.wait_for(future, DEADLINE)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    async def run(self, expression):
        """The value of an expression; a promise is waited for."""
        result = await self.send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description", details["text"]))
        return result["result"].get("value")

    async def until(self, condition, seconds=15):
        """Waits, frame by frame, until an expression is true, and returns its value."""
        script = """new Promise((resolve) => {
            const end = performance.now() + %d;
            const look = () => {
                let value;
                try { value = (%s); } catch (error) { value = undefined; }
                if (value) resolve({ value });
                else if (performance.now() > end) resolve({ text: document.body.innerText });
                else requestAnimationFrame(look);
            };
            look();
        })""" % (1000 * seconds, condition)
        result = await self.run(script)
        if "text" in result:
            raise BrowserError(f"not within {seconds} s: {condition}\n{result['text']}")
        return result["value"]

    async def text(self, identifier):
        return await self.run(f"document.getElementById('{identifier}').innerText")

    async def press(self, key, code=None, shift=False):
        """Presses a key, as a person does."""
        virtual = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
                   "Home": 36, "End": 35, "PageDown": 34}[key]
        for kind in ("rawKeyDown", "char", "keyUp") if key == "Enter" else ("rawKeyDown", "keyUp"):
            text = {"text": "\r"} if kind == "char" else {}
            await self.send(
                "Input.dispatchKeyEvent", type=kind, key=key, code=code or key, modifiers=8 if shift else 0,
                windowsVirtualKeyCode=virtual, **text)

    async def size(self, width, height):
        await self.send("Emulation.setScrollbarsHidden", hidden=True)
        await self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
            mobile=False)

    async def prefer(self, **features):
        """Sets media features: prefers_color_scheme, prefers_reduced_motion."""
        await self.send(
            "Emulation.setEmulatedMedia",
            features=[{"name": name.replace("_", "-"), "value": value} for name, value in features.items()])

    async def picture(self, name):
        """Keeps a picture of the whole page in the folder QH_SCREENSHOTS, if there is one."""
        folder = os.environ.get("QH_SCREENSHOTS")
        if folder is None:
            return
        result = await self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"{name}.png"), "wb") as file:
            file.write(base64.b64decode(result["data"]))


@contextlib.asynccontextmanager
async def browser():
    """Starts Chromium with an empty tab, and ends it."""
    program = shutil.which("chromium")
    if program is None:
        raise BrowserError("there is no chromium here; run scripts/setup --tests")
    profile = tempfile.mkdtemp(prefix="quantumharmony-chromium-")
    process = await asyncio.create_subprocess_exec(
        program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE)
    page = drain = None
    try:
        port = await asyncio.wait_for(debugging_port(process), DEADLINE)
        drain = asyncio.create_task(process.stderr.read())
        address = await asyncio.to_thread(page_address, port)
        async with connect(address, max_size=None) as socket:
            page = Page(socket)
            for domain in ("Page", "Runtime", "Log"):
                await page.send(f"{domain}.enable")
            yield page
    finally:
        if page:
            page.reader.cancel()
        if process.returncode is None:
            process.terminate()
            await process.wait()
        if drain:
            drain.cancel()
        shutil.rmtree(profile, ignore_errors=True)


async def debugging_port(process):
    seen = []
    async for line in process.stderr:
        seen.append(line.decode(errors="replace"))
        found = re.search(r"DevTools listening on ws://127\.0\.0\.1:(\d+)/", seen[-1])
        if found:
            return int(found[1])
    raise BrowserError("chromium ended: " + "".join(seen[-10:]))


def page_address(port):
    """The DevTools address of the first tab."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as reply:
        tabs = json.load(reply)
    return next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
