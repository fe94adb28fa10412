// What an evidence says of each example, read from the beginning of the file alone, and the paired test that two of them allow.
import { beginning, jobPath } from "./api.js";

/** The outcomes come before the images, so that a short piece of the file has them. */
const pieces = [1 << 18, 1 << 22, 1 << 25];

/** {description, ids, clean, withstood: [attack][example]}; `null` for a job without evidence. */
export async function outcomes(job, signal) {
  if (!job.links.evidence) return null;
  for (const count of pieces) {
    const bytes = await beginning(jobPath(job.id, "/evidence"), count, signal);
    const found = read(bytes);
    if (found) return found;
    if (bytes.length < count) break;
  }
  return null;
}

/** Of a tar archive (POSIX ustar) with evidence.json and an NPZ of stored arrays; `null` when they are not all in these bytes. */
export function read(bytes) {
  const text = new TextDecoder();
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let description, offset = 0;
  while (offset + 512 <= bytes.length) {
    const name = text.decode(bytes.subarray(offset, offset + 100)).split("\0")[0];
    const size = parseInt(text.decode(bytes.subarray(offset + 124, offset + 136)), 8) || 0;
    const type = String.fromCharCode(bytes[offset + 156]);
    offset += 512;
    if (name === "evidence.json") {
      if (offset + size > bytes.length) return null;
      description = JSON.parse(text.decode(bytes.subarray(offset, offset + size)));
    } else if (name === "examples.npz" && !"xgLK".includes(type)) {
      const arrays = stored(bytes, view, offset);
      if (!description || !arrays) return null;
      const evaluated = arrays.evaluated_ids.length;
      const all = arrays.evaluated_withstood;
      return {
        description, ids: arrays.evaluated_ids, clean: arrays.evaluated_clean,
        withstood: description.attacks.map((_, index) => all.subarray(index * evaluated, (index + 1) * evaluated)),
      };
    }
    offset += Math.ceil(size / 512) * 512;
  }
  return null;
}

const wanted = { evaluated_ids: 8, evaluated_clean: 1, evaluated_withstood: 1 };

/** The arrays of a zip archive that are stored as they are, entry by entry (PKWARE APPNOTE 4.3.7). */
function stored(bytes, view, start) {
  const text = new TextDecoder(), found = {};
  let offset = start;
  while (offset + 30 <= bytes.length && view.getUint32(offset, true) === 0x04034b50) {
    const [nameLength, extraLength] = [view.getUint16(offset + 26, true), view.getUint16(offset + 28, true)];
    const name = text.decode(bytes.subarray(offset + 30, offset + 30 + nameLength)).replace(/\.npy$/, "");
    const content = offset + 30 + nameLength + extraLength;
    if (content + 12 > bytes.length) return null;
    // NumPy's header (NEP 1): magic, version, its length, a dictionary.
    const isLong = bytes[content + 6] > 1;
    const headerLength = isLong ? view.getUint32(content + 8, true) : view.getUint16(content + 8, true);
    const data = content + (isLong ? 12 : 10) + headerLength;
    if (data > bytes.length) return null;
    const header = text.decode(bytes.subarray(content, data));
    const count = (header.match(/'shape': \(([^)]*)\)/)?.[1] ?? "").split(",").filter((part) => part.trim()).reduce((product, part) => product * Number(part), 1);
    const type = header.match(/'descr': '.(.)(\d+)'/);
    if (!type) return null;
    const end = data + count * Number(type[2]);
    if (wanted[name]) {
      if (end > bytes.length) return null;
      found[name] = wanted[name] === 1 ? bytes.subarray(data, end) : Array.from({ length: count }, (_, index) => Number(view.getBigInt64(data + 8 * index, true)));
      if (Object.keys(wanted).every((key) => found[key])) return found;
    }
    offset = end;
    // A writer that streams puts the sizes behind the content (4.3.9).
    if (offset + 16 <= bytes.length && view.getUint32(offset, true) === 0x08074b50) offset += view.getUint32(offset + 16, true) === 0x04034b50 ? 16 : 24;
  }
  return null;
}

/** What two jobs gave for the same examples: whether they can be compared, and how often only one of them was right. */
export function paired(one, other, robust) {
  if (!one || !other) return { reason: "one of them has no evidence" };
  const [a, b] = [one.description, other.description];
  if (a.dataset.sha256 !== b.dataset.sha256 || one.ids.length !== other.ids.length || one.ids.some((id, index) => id !== other.ids[index])) return { reason: "they were not evaluated on the same images" };
  if (robust && (a.threat.norm !== b.threat.norm || a.threat.epsilon !== b.threat.epsilon)) return { reason: "their threats differ" };
  if (robust && JSON.stringify(a.attacks) !== JSON.stringify(b.attacks)) return { reason: "they were not attacked alike" };
  const right = (side, index) => side.clean[index] && (!robust || side.withstood.every((attack) => attack[index]));
  let [both, first, second, none] = [0, 0, 0, 0];
  for (let index = 0; index < one.ids.length; index++) {
    const [isFirst, isSecond] = [right(one, index), right(other, index)];
    if (isFirst && isSecond) both++;
    else if (isFirst) first++;
    else if (isSecond) second++;
    else none++;
  }
  return { both, first, second, none, total: one.ids.length, p: mcnemar(first, second) };
}

/** McNemar's exact test: two-sided, binomial with one half, of the examples on which the two differ. */
export function mcnemar(first, second) {
  const count = first + second, least = Math.min(first, second);
  let term = -count * Math.LN2, sum = 0;
  for (let index = 0; index <= least; index++) {
    sum += Math.exp(term);
    term += Math.log((count - index) / (index + 1));
  }
  return Math.min(1, 2 * sum);
}
