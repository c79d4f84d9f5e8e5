/** The certificate inspector: asks for a certificate, decodes it and says how to verify it. */

import { bytes, element, percent, setText, shortAddress, shortHash } from "./display.js";
import { decodeCertificate, validatorSetHash } from "./scale.js";

const byId = (id) => document.getElementById(id);

export class Inspector {
  /** @param call asks the node; @param model what is known; @param place where the node listens */
  constructor(call, model, place) {
    this.call = call;
    this.model = model;
    this.place = place;
    byId("inspector-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.inspect(Number(byId("inspector-number").value));
    });
    byId("copy-command").addEventListener("click", () => this.copy());
  }

  /** Shows the certificate for a height, and moves there. */
  async open(number) {
    byId("inspector-number").value = `${number}`;
    await this.inspect(number);
    byId("inspector").scrollIntoView({ block: "start" });
    byId("inspector-heading").focus({ preventScroll: true });
  }

  async inspect(number) {
    if (!Number.isInteger(number) || number < 0 || number > 0xffff_ffff) {
      this.say("A block number is a whole number from 0 on.");
      return;
    }
    this.say(`Asking for the certificate of block ${number} …`);
    try {
      const proof = await this.call("coherence_proveFinality", [number]);
      if (proof === null) {
        this.say(`Block ${number} is not final, or has no certificate above it.`);
        return;
      }
      this.show(number, proof, decodeCertificate(proof.certificate));
    } catch (error) {
      this.say(`No certificate for block ${number}: ${error.message}.`);
    }
  }

  say(text) {
    setText(byId("inspector-status"), text);
    byId("inspector-result").hidden = true;
  }

  show(number, proof, certificate) {
    const isLater = certificate.blockNumber !== number;
    this.say(
      `Block ${number} is final by the certificate of block ${certificate.blockNumber}`
      + (isLater ? `, ${certificate.blockNumber - number} above it.` : "."));
    byId("inspector-result").hidden = false;
    this.showChecks(proof, certificate);
    this.showSigners(certificate);
    const entryBytes = certificate.entries.length > 0
      ? (certificate.byteCount - certificate.entries[0].offset) / certificate.entries.length : 0;
    const rows = certificate.fields.map((field) => [
      field.name, `${field.offset}`, `${field.length}`, field.text,
    ]);
    if (entryBytes > 0) {
      rows.push([
        "entries", `${certificate.entries[0].offset}`, `${entryBytes} each`,
        "index, score, quantum state, signature",
      ]);
    }
    byId("certificate-fields").replaceChildren(...rows.map(line));
    setText(byId("certificate-size"), `${bytes(certificate.byteCount)}, ${certificate.byteCount} bytes in SCALE`);
    byId("certificate-bytes").value = proof.certificate;
    this.command = this.verification(number, certificate);
    setText(byId("verify-command"), this.command);
  }

  /** What this page can check by itself; signatures are not among it. */
  showChecks(proof, certificate) {
    const { set } = this.model;
    const headers = Array.isArray(proof.headers) ? proof.headers.length : 0;
    const checks = [];
    if (set?.setId === certificate.setId) {
      if (this.checkedSet !== set) {
        this.setHash = validatorSetHash(set);
        this.checkedSet = set;
      }
      const isNamed = this.setHash === certificate.setHash;
      checks.push([isNamed, `set_hash is ${isNamed ? "" : "not "}the hash of the set that this node names`]);
      const enough = certificate.entries.length >= set.thresholdWeight;
      checks.push([
        enough, `${certificate.entries.length} precommits, ${set.thresholdWeight} of ${set.totalWeight} needed`,
      ]);
    } else {
      checks.push([null, `it is of set ${certificate.setId}, which is not the active one`]);
    }
    checks.push([null, `${headers} header${headers === 1 ? "" : "s"} lead from the block asked for to it`]);
    checks.push([null, "signatures are not checked here: run the command below"]);
    byId("certificate-checks").replaceChildren(...checks.map(([isGood, text]) =>
      element("li", `${{ true: "✓", false: "✗", null: "·" }[isGood]} ${text}`, { "data-good": `${isGood}` })));
  }

  showSigners(certificate) {
    const isKnown = this.model.set?.setId === certificate.setId;
    byId("certificate-signers").replaceChildren(...certificate.entries.map((entry) => {
      const address = isKnown ? this.model.addresses[entry.index] : undefined;
      const row = line([
        `${entry.index}`, address ? shortAddress(address) : "–", `${entry.score}`,
        percent(entry.state.averageQber), shortHash(entry.signature),
      ]);
      row.children[1].title = address ?? "";
      row.children[4].title = entry.signature;
      return row;
    }));
  }

  /** What to type to verify the certificate with no trust in this page or node. */
  verification(number, certificate) {
    const ask = (method, parameter) =>
      `curl -s -H 'content-type: application/json' http://${this.place} \\\n`
      + `  -d '{"jsonrpc":"2.0","id":1,"method":"${method}","params":[${parameter}]}'`;
    const chain = { Development: "dev", "Local Testnet": "local" }[this.model.chain] ?? "chain.json";
    const earlier = certificate.setId > 0
      ? `${ask("coherence_handOffs", 0)} >hand-offs.json\n` : "";
    const option = certificate.setId > 0 ? " --hand-offs hand-offs.json" : "";
    return `${earlier}${ask("coherence_proveFinality", number)} \\\n`
      + `  | quantumharmony-node verify-certificate --chain ${chain}${option}`;
  }

  async copy() {
    const button = byId("copy-command");
    try {
      await navigator.clipboard.writeText(this.command);
      setText(button, "Copied");
    } catch {
      setText(button, "Copying is not allowed here");
    }
    setTimeout(() => setText(button, "Copy"), 2000);
  }
}

function line(texts) {
  const row = element("tr");
  texts.forEach((text, place) => row.append(element(place === 0 ? "th" : "td", text)));
  row.children[0].scope = "row";
  return row;
}
