// Where in a text of JSON the value of a pointer stands, and of which pointer the value at a place is. Reads half-written JSON as far as it goes.

/** Every value with its pointer and its range; a member's range begins with its key. */
export function scan(text) {
  const found = [];
  const stack = [];
  let index = 0, key = null, keyStart = 0, wantsKey = false;
  const escape = (name) => name.replaceAll("~", "~0").replaceAll("/", "~1");
  const pointer = () => {
    const top = stack.at(-1);
    return top ? `${top.pointer}/${top.isArray ? top.count : escape(key ?? "")}` : "";
  };
  const begin = () => ({ pointer: pointer(), start: stack.at(-1) && !stack.at(-1).isArray && key !== null ? keyStart : index, valueStart: index });
  const end = (entry) => {
    entry.end = index;
    found.push(entry);
    key = null;
  };
  while (index < text.length) {
    const character = text[index];
    if (character === "{" || character === "[") {
      const entry = begin();
      stack.push({ ...entry, isArray: character === "[", count: 0 });
      wantsKey = character === "{";
      key = null;
      index++;
    } else if (character === "}" || character === "]") {
      index++;
      const top = stack.pop();
      if (top) end({ pointer: top.pointer, start: top.start, valueStart: top.valueStart, isContainer: true });
      wantsKey = false;
    } else if (character === ",") {
      index++;
      const top = stack.at(-1);
      if (top?.isArray) top.count++;
      wantsKey = Boolean(top && !top.isArray);
      key = null;
    } else if (character === ":") {
      index++;
      wantsKey = false;
    } else if (character === "\"") {
      const start = index;
      const entry = wantsKey ? null : begin();
      index++;
      while (index < text.length && text[index] !== "\"" && text[index] !== "\n") index += text[index] === "\\" ? 2 : 1;
      index = Math.min(index + 1, text.length);
      if (wantsKey) {
        try { key = JSON.parse(text.slice(start, index)); } catch { key = text.slice(start + 1, index); }
        keyStart = start;
        found.push({ pointer: pointer(), start, valueStart: index, end: index, isKey: true });
      } else end(entry);
    } else if (/[\w.+-]/.test(character)) {
      const entry = begin();
      while (index < text.length && /[\w.+-]/.test(text[index])) index++;
      end(entry);
    } else index++;
  }
  // What is not closed yet ends with the text.
  for (const open of stack.reverse()) found.push({ pointer: open.pointer, start: open.start, valueStart: open.valueStart, end: text.length, isContainer: true });
  return found;
}

/** {start, end, line} of the value, or of the nearest value around it that is there. */
export function placeOf(text, pointer) {
  const found = scan(text).filter((entry) => !entry.isKey);
  for (let name = pointer; ; name = name.slice(0, name.lastIndexOf("/"))) {
    const entry = found.find((candidate) => candidate.pointer === name);
    if (entry) return { start: entry.start, end: entry.end, line: text.slice(0, entry.start).split("\n").length };
    if (!name) return null;
  }
}

/** The pointer of the innermost value around a place. */
export function pointerAt(text, place) {
  let best = { pointer: "", start: -1, end: Infinity };
  for (const entry of scan(text)) {
    const isWithin = entry.start <= place && place <= entry.end;
    if (isWithin && (entry.end - entry.start < best.end - best.start || best.end === Infinity)) best = entry;
  }
  return best.pointer;
}
