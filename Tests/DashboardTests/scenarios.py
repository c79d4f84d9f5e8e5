"""What the dashboard does in a browser: scenarios.py SCENARIO ADDRESS-OF-THE-PAGES

The scenario "live" is against a real node at that address, the others against a simulated one whose
pages come from there. With QH_SCREENSHOTS in the environment pictures are kept in that folder.
"""

import asyncio
import contextlib
import hashlib
import json
import sys

from browser import browser
from feed import Feed, hexadecimal

CONNECTED = "document.getElementById('connection').dataset.state === 'open'"


def final_above(number):
    return f"Number(document.getElementById('figure-final').innerText.slice(1)) > {number}"


def trouble(kind):
    return f"document.querySelector('#troubles [data-kind={kind}]')"


def expect(condition, *what):
    if not condition:
        raise AssertionError(" ".join(str(item) for item in what))


@contextlib.asynccontextmanager
async def node(page, pages, **options):
    """A simulated node. The page leaves before the node ends: it would at once try to reach it again,
    and Chromium reports a refused connection as an error of the page."""
    async with Feed(pages, **options) as feed:
        yield feed
        await page.send("Page.navigate", url="about:blank")


async def visit(page, feed, path="/dashboard"):
    await page.send("Page.navigate", url=f"http://127.0.0.1:{feed.port}{path}")
    await page.until(CONNECTED)


async def finality(page, pages):
    """The page loads from the node alone, without an error, and shows blocks becoming final."""
    async with node(page, pages) as feed:
        await visit(page, feed)
        first = await page.until(f"{final_above(1)} && document.getElementById('figure-final').innerText")
        await page.until(final_above(int(first[1:]) + 2))
        expect("4 of 4" not in await page.text("figure-set"), "the quorum is 3")
        expect(await page.text("figure-set") == "3 of 4", await page.text("figure-set"))
        expect(await page.text("node") == "quantumharmony-simulated 0.0.0 on Local Testnet")
        await page.until("document.querySelectorAll('#blocks tr[data-state=certified]').length >= 3")
        await page.until("document.getElementById('latency-summary').innerText.includes('median')")
        await page.until("document.getElementById('qber-summary').innerText.includes('Newest block')")
        await page.until("document.querySelectorAll('#peers tr').length === 3")
        text = await page.text("peers")
        expect("post-quantum" in text, text)
        await page.until("document.querySelectorAll('#bans li').length === 1")
        expect("96.0 MiB" in await page.text("statistics-part"))
        expect(not await page.run("document.getElementById('lost').checkVisibility()"))
        hosts = await page.run(
            "[...new Set(performance.getEntriesByType('resource').map((item) => new URL(item.name).host))]")
        expect(hosts == [f"127.0.0.1:{feed.port}"], hosts)
        # The policy stops a script that gets into the document all the same.
        await page.run(
            "document.body.append(Object.assign(document.createElement('script'), "
            "{ textContent: 'window.intruder = true' }))")
        expect(await page.run("window.intruder === undefined"), "an inline script ran")
        refusals = [text for text in page.errors if "Content Security Policy" in text]
        expect(len(refusals) == 1, page.errors)
        page.errors.remove(refusals[0])


async def cell(page, row):
    """The words for a validator's cell at the newest certified block, reached with the keyboard."""
    return await page.run("""(async () => {
        const box = document.getElementById("matrix");
        const key = (name) => box.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
        box.focus();
        for (let step = 0; step < 200; step++) key("ArrowUp");
        for (let step = 0; step < %d; step++) key("ArrowDown");
        key("End");
        for (let step = 0; step < 3; step++) key("ArrowLeft");
        return document.getElementById("matrix-cell").innerText;
    })()""" % row)


async def votes(page, pages):
    """The matrix tells precommits, late, missing and double votes apart, in words and on the canvas."""
    async with node(page, pages, validators=7) as feed:
        feed.silent, feed.late, feed.double = {5}, {4}, {2}
        await visit(page, feed)
        await page.until("document.querySelectorAll('#blocks tr[data-state=certified]').length >= 8")
        for row, words in ((0, "precommit"), (2, "double vote"), (4, "late precommit"), (5, "no vote")):
            text = await cell(page, row)
            expect(text.startswith(f"Validator {row} ") and text.endswith(f": {words}."), row, text)
        # What is drawn: the colours of votes, late ones and alarms are all on the canvas.
        found = await page.run("""(async () => {
            const { themeColours } = await import("/dashboard/display.js");
            const wanted = themeColours();
            const canvas = document.querySelector("#matrix canvas");
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const counts = new Map();
            for (let index = 0; index < data.length; index += 4) {
                const key = `rgb(${data[index]}, ${data[index + 1]}, ${data[index + 2]})`;
                counts.set(key, (counts.get(key) ?? 0) + 1);
            }
            return Object.fromEntries(
                ["vote", "late", "alarm", "muted", "good"].map((name) => [name, counts.get(wanted[name]) ?? 0]));
        })()""")
        expect(all(count > 20 for count in found.values()), found)
        shapes = await page.run("""(async () => {
            const pictures = [...document.querySelectorAll("#legend canvas")].map((canvas) => {
                const context = canvas.getContext("2d");
                const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
                // Black and white: is a pixel the background's or not?
                let bits = "";
                for (let index = 0; index < data.length; index += 4) {
                    bits += Math.abs(data[index] - data[0]) + Math.abs(data[index + 1] - data[1]) > 60 ? 1 : 0;
                }
                return bits;
            });
            return [pictures.length, new Set(pictures).size];
        })()""")
        expect(shapes == [6, 6], "shapes differ without their colours", shapes)
        await page.picture("votes")


async def decoding(page, pages):
    """Hashes are those of hashlib; a certificate that is cut off anywhere is refused."""
    async with node(page, pages) as feed:
        await visit(page, feed)
        await page.until(final_above(0))
        for length in (0, 1, 64, 127, 128, 129, 255, 256, 257, 1000, 65_537):
            data = feed.source.randbytes(length)
            script = """(async () => {
                const { blake2b256 } = await import("/dashboard/blake2b.js");
                const { bytesOf, hexOf } = await import("/dashboard/scale.js");
                return hexOf(blake2b256(bytesOf("%s")));
            })()""" % hexadecimal(data)
            expect(await page.run(script) == hexadecimal(hashlib.blake2b(data, digest_size=32).digest()), length)
        header = feed.blocks[1].header
        script = """(async () => (await import("/dashboard/scale.js")).headerHash(%s))()""" % json.dumps(header)
        expect(await page.run(script) == hexadecimal(feed.blocks[1].hash))
        certificate = next(b.certificate for b in feed.blocks if b.certificate)
        script = """(async () => {
            const { decodeCertificate, DecodingError } = await import("/dashboard/scale.js");
            const whole = "%s";
            const outcome = (hex) => {
                try { decodeCertificate(hex); return "decoded"; } catch (error) {
                    return error instanceof DecodingError ? "refused" : `${error}`;
                }
            };
            const results = { whole: outcome(whole), longer: outcome(whole + "00"), cut: new Set() };
            for (let end = 2; end < whole.length; end += end < 400 ? 2 : 74) {
                results.cut.add(outcome(whole.slice(0, end)));
            }
            return { ...results, cut: [...results.cut], text: outcome("0xzz"), empty: outcome(null) };
        })()""" % hexadecimal(certificate)
        expect(await page.run(script) == {
            "whole": "decoded", "longer": "refused", "cut": ["refused"], "text": "refused",
            "empty": "refused"}, await page.run(script))


async def inspector(page, pages):
    """A certificate is decoded, checked as far as a page can, and shown with how to verify it."""
    async with node(page, pages) as feed:
        feed.silent = {3}
        await visit(page, feed)
        await page.until("document.querySelectorAll('#blocks tr[data-state=certified]').length >= 2")
        number = await page.run("""(() => {
            const row = document.querySelector("#blocks tr[data-state=certified]");
            row.querySelector("button").click();
            return Number(row.cells[0].innerText.slice(1));
        })()""")
        await page.until("document.getElementById('inspector-result').checkVisibility()")
        expect(await page.run("document.activeElement.id") == "inspector-heading")
        expect(f"Block {number} is final by the certificate of block {number}." ==
               await page.text("inspector-status"), await page.text("inspector-status"))
        expect(await page.run("document.querySelectorAll('#certificate-signers tr').length") == 3)
        checks = await page.text("certificate-checks")
        expect("✓ set_hash is the hash of the set" in checks, checks)
        expect("✓ 3 precommits, 3 of 4 needed" in checks, checks)
        expect("signatures are not checked here" in checks, checks)
        fields = await page.text("certificate-fields")
        expect(hexadecimal(feed.blocks[number].hash) in fields, fields)
        command = await page.text("verify-command")
        expect(f'"params":[{number}]' in command and "verify-certificate --chain local" in command, command)
        raw = await page.run("document.getElementById('certificate-bytes').value")
        expect(raw == hexadecimal(feed.blocks[number].certificate))
        await page.picture("inspector")
        await page.run("""(() => {
            document.getElementById("inspector-number").value = "4000000000";
            document.getElementById("inspector-form").requestSubmit();
        })()""")
        await page.until("document.getElementById('inspector-status').innerText.includes('is not final')")
        expect(not await page.run("document.getElementById('inspector-result').checkVisibility()"))


async def keyboard(page, pages):
    """Everything can be reached and used without a pointer, and what has the focus is marked."""
    async with node(page, pages) as feed:
        await visit(page, feed)
        await page.until("document.querySelectorAll('#blocks tr[data-state=certified]').length >= 4")
        seen = []
        await page.run("document.body.focus()")
        for _ in range(40):
            await page.press("Tab")
            name, outline = await page.run("""(() => {
                const element = document.activeElement;
                const style = getComputedStyle(element);
                return [element.id || element.className || element.tagName,
                        style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2];
            })()""")
            expect(outline, f"{name} has the focus and no outline")
            seen.append(name)
            if name == "inspector-number":
                break
            if name == "matrix":
                await page.press("End")
                before = await page.text("matrix-cell")
                await page.press("ArrowDown")
                await page.press("ArrowLeft")
                after = await page.text("matrix-cell")
                expect(before.startswith("Validator 0 ") and after.startswith("Validator 1 "), before, after)
                for _ in range(3):
                    await page.press("ArrowLeft")
                await page.press("Enter")
                await page.until("document.getElementById('inspector-result').checkVisibility()")
                await page.run("document.getElementById('matrix').focus()")
        expect(seen[0] == "skip" and "theme" in seen and "matrix" in seen, seen)
        expect(seen.count("small") >= 4 and seen[-1] == "inspector-number", seen)
        unnamed = await page.run("""[...document.querySelectorAll("button, input, select, [tabindex='0']")]
            .filter((item) => item.checkVisibility() && !(item.innerText || item.ariaLabel || item.labels?.length
                || item.getAttribute("aria-labelledby"))).map((item) => item.outerHTML)""")
        expect(unnamed == [], unnamed)


CONTRAST = """(() => {
    const luminance = (colour) => {
        const parts = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
            .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const probe = document.body.appendChild(document.createElement("span"));
    const colour = (name) => {
        probe.style.color = `var(--${name})`;
        return luminance(getComputedStyle(probe).color);
    };
    const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const least = { text: 7, muted: 4.5, vote: 3, late: 3, alarm: 3, good: 3, focus: 3 };
    const bad = Object.keys(least).filter((name) => ratio(colour(name), colour("panel")) < least[name]);
    probe.remove();
    return [bad, getComputedStyle(document.body).backgroundColor];
})()"""


async def appearance(page, pages):
    """A phone's width and a desk's, light and dark, by the system's wish and by the switch."""
    async with node(page, pages, validators=7) as feed:
        feed.silent, feed.late = {5}, {4}
        await page.size(1440, 1000)
        await visit(page, feed)
        await page.until("document.querySelectorAll('#blocks tr[data-state=certified]').length >= 12")
        await page.run("document.querySelector('#blocks tr[data-state=certified] button').click()")
        await page.until("document.getElementById('inspector-result').checkVisibility()")
        pages_seen = {}
        for scheme in ("light", "dark"):
            await page.prefer(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
            for width, height in ((1440, 1000), (390, 844)):
                await page.size(width, height)
                overflow = "document.scrollingElement.scrollWidth - document.documentElement.clientWidth"
                await page.run("new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)))")
                expect(await page.run(overflow) <= 0, width, await page.run(overflow))
                await page.picture(f"{scheme}-{width}")
            bad, pages_seen[scheme] = await page.run(CONTRAST)
            expect(bad == [], scheme, "too little contrast:", bad)
            still = await page.run("getComputedStyle(document.getElementById('retry')).transitionDuration")
            expect(still in ("0s", ""), still)
        expect(pages_seen["light"] != pages_seen["dark"])
        for scheme in ("light", "dark"):
            await page.run("""(() => {
                const select = document.getElementById("theme");
                select.value = "%s";
                select.dispatchEvent(new Event("change"));
            })()""" % scheme)
            await page.prefer(prefers_color_scheme="light" if scheme == "dark" else "dark")
            expect((await page.run(CONTRAST))[1] == pages_seen[scheme], scheme)
        await page.send("Page.reload")
        await page.until(CONNECTED)
        expect((await page.run(CONTRAST))[1] == pages_seen["dark"], "the choice is kept")


async def stall(page, pages):
    """When nothing becomes final the page says for how long and who is missing, and when it is over."""
    async with node(page, pages) as feed:
        await visit(page, feed)
        await page.until(final_above(1))
        await page.until("document.getElementById('figure-peers').innerText === '3'")
        feed.silent = {2, 3}
        feed.peers = 1
        text = await page.until(f"{trouble('noFinality')}?.innerText", 25)
        for index in range(4):
            expect((f"{feed.addresses[index][:6]}…" in text) == (index in feed.silent), index, text)
        expect("For 1" in text, text)
        text = await page.until(f"{trouble('fewPeers')}?.innerText")
        expect("1 of 3" in text and "partitioned" in text, text)
        await page.picture("stall")
        feed.peers = 0
        await page.until(trouble("cutOff"))
        feed.silent, feed.peers = set(), 3
        await page.until("document.querySelectorAll('#troubles li').length === 0", 20)


async def outage(page, pages):
    """A node that is gone, or silent, is noticed and found again when it is back."""
    async with node(page, pages) as feed:
        await visit(page, feed)
        await page.until(final_above(1))
        before = await page.text("figure-final")
        await feed.stop()
        await page.until("document.getElementById('lost').checkVisibility()")
        text = await page.text("lost")
        expect("does not answer since" in text and "trying again" in text, text)
        expect(await page.text("figure-final") >= before, "what was known stays")
        # A second attempt fails as well, and the wait has grown.
        await page.until("Number(document.getElementById('lost-when').innerText.match(/in (\\d+) s/)?.[1]) >= 3")
        await page.picture("outage")
        await feed.start()
        await page.run("document.getElementById('retry').click()")
        await page.until(f"{CONNECTED} && !document.getElementById('lost').checkVisibility()")
        await page.until(final_above(feed.final))
        # Chromium itself reports the attempts that failed.
        page.errors = [text for text in page.errors if "ERR_CONNECTION_REFUSED" not in text]
        feed.is_answering = False
        await page.until("document.getElementById('lost').checkVisibility()", 25)
        feed.is_answering = True
        await page.until(CONNECTED)
        await page.until(final_above(feed.final))


FRAMES = """new Promise((resolve) => {
    const times = [];
    let last = performance.now();
    const end = last + 5000;
    const next = (now) => {
        times.push(now - last);
        last = now;
        if (now < end) requestAnimationFrame(next);
        else {
            times.sort((a, b) => a - b);
            resolve([times.length, ...[0.5, 0.95, 1].map((part) =>
                Math.round(10 * times[Math.ceil(part * times.length) - 1]) / 10)]);
        }
    };
    requestAnimationFrame(next);
})"""


async def hundred(page, pages):
    """A hundred validators, two blocks a second: the page stays smooth and does not grow."""
    async with node(page, pages, validators=100, slot=0.5) as feed:
        feed.silent, feed.late, feed.double = {7, 31, 66}, {12, 50}, {42}
        await page.size(1440, 1000)
        await visit(page, feed)
        await page.until(final_above(3))
        count, median, most, longest = await page.run(FRAMES)
        print(f"100 validators, 2 blocks/s: {count} frames in 5 s, median {median} ms, "
              f"95 % within {most} ms, longest {longest} ms")
        nodes = await page.run("document.querySelectorAll('*').length")
        draw = await page.run("""(async () => {
            const box = document.getElementById("matrix");
            const canvas = box.querySelector("canvas");
            return [canvas.height, box.scrollHeight];
        })()""")
        expect(draw[0] < draw[1] / 2, "the canvas is as large as what is seen of it", draw)
        await page.picture("hundred")
        await page.until(final_above(feed.final + 4))
        later = await page.run("document.querySelectorAll('*').length")
        expect(abs(later - nodes) <= 20 and later < 1500, nodes, later)
        expect(median <= 34 and most <= 100, "frames take too long")


async def live(page, pages):
    """A real node: blocks become final on the page, with votes and a certificate."""
    await page.send("Page.navigate", url=f"{pages}/dashboard")
    await page.until(CONNECTED)
    first = await page.until(f"{final_above(0)} && document.getElementById('figure-final').innerText", 30)
    await page.until(final_above(int(first[1:]) + 1), 30)
    await page.until("document.querySelectorAll('#blocks tr[data-state=certified]').length >= 2", 30)
    await page.until("document.getElementById('latency-summary').innerText.includes('median')")
    await page.run("document.querySelector('#blocks tr[data-state=certified] button').click()")
    await page.until("document.getElementById('inspector-result').checkVisibility()")
    checks = await page.text("certificate-checks")
    expect("✓ set_hash is the hash of the set" in checks and "✗" not in checks, checks)
    await page.until("document.getElementById('peers').innerText.includes('post-quantum')")
    expect(": " in await cell(page, 0))
    await page.picture("live")


async def main():
    scenario, pages = sys.argv[1:]
    async with browser() as page:
        await globals()[scenario](page, pages)
        expect(page.errors == [], "the browser's console:", page.errors)
    print(f"{scenario}: passed")


asyncio.run(main())
