// What the JSON Schema of a spec says of a field.
import { h } from "./dom.js";

/** A schema with its reference followed; what stands beside the reference stays. */
function resolve(root, schema) {
  if (!schema) return schema;
  if (schema.$ref) {
    const target = schema.$ref.replace(/^#\//, "").split("/").reduce((value, key) => value?.[key], root);
    const { $ref, ...beside } = schema;
    return resolve(root, { ...target, ...beside, description: beside.description ?? target?.description });
  }
  // `null` stands for the default, which needs no help.
  if (schema.anyOf && schema.anyOf.some((option) => option.type === "null")) {
    const { anyOf, ...beside } = schema;
    const options = anyOf.filter((option) => option.type !== "null");
    return resolve(root, options.length === 1 ? { ...options[0], ...beside } : { oneOf: options, ...beside });
  }
  return schema;
}

/** Whether a condition of the schema, which is of the values of some members, holds. */
function holds(condition, value) {
  return Object.entries(condition?.properties ?? {}).every(([name, part]) => {
    const known = value?.[name];
    if (known === undefined) return !(condition.required ?? []).includes(name);
    return part.enum ? part.enum.includes(known) : part.const === undefined || part.const === known;
  });
}

/** The members of an object, with those that its other members bring along. */
function members(root, schema, value) {
  const found = { ...schema.properties };
  for (const rule of schema.allOf ?? []) {
    const branch = rule.if ? (holds(rule.if, value) ? rule.then : rule.else) : rule;
    if (branch) Object.assign(found, members(root, resolve(root, branch), value));
  }
  const options = (schema.oneOf ?? schema.anyOf ?? []).map((option) => resolve(root, option));
  const fitting = options.filter((option) => Object.entries(option.properties ?? {}).some(([name, part]) => (part.enum ?? [part.const]).filter((known) => known !== null && known !== undefined).includes(value?.[name])));
  for (const option of fitting.length ? fitting.slice(0, 1) : options) for (const [name, part] of Object.entries(members(root, option, value))) found[name] ??= part;
  return found;
}

/** The field at a pointer: {pointer, schema, members, …}; `null` when there is none. `spec` chooses among the forms that a field can have. */
export function fieldAt(root, pointer, spec) {
  let schema = resolve(root, root), value = spec, isRequired = false;
  for (const key of pointer.split("/").slice(1)) {
    const isItem = schema.items && /^\d+$/.test(key);
    const all = isItem ? null : members(root, schema, value);
    if (!isItem) isRequired = (schema.required ?? []).includes(key);
    const next = isItem ? schema.items : all[key] ?? (typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined);
    if (!next) return null;
    schema = resolve(root, next);
    value = value?.[isItem ? Number(key) : key];
  }
  const found = Object.entries(members(root, schema, value));
  return {
    pointer, schema, isRequired,
    members: found.length ? found.map(([name, part]) => {
      const inner = resolve(root, part);
      return { name, description: inner.description ?? "", default: inner.default, type: [inner.type].flat().find((kind) => kind && kind !== "null") ?? (inner.properties ? "object" : undefined) };
    }) : null,
  };
}

/** The help of a field, as elements. */
export function describe({ schema, isRequired }) {
  const kinds = [schema.type].flat().filter((kind) => kind && kind !== "null");
  const range = [
    schema.minimum !== undefined && `at least ${schema.minimum}`, schema.exclusiveMinimum !== undefined && `more than ${schema.exclusiveMinimum}`,
    schema.maximum !== undefined && `at most ${schema.maximum}`, schema.exclusiveMaximum !== undefined && `less than ${schema.exclusiveMaximum}`,
  ].filter(Boolean).join(", ");
  const choices = (schema.enum ?? (schema.oneOf ?? []).map((option) => option.title).filter(Boolean)).filter((choice) => choice !== null);
  const facts = [
    choices.length && ["one of", choices.map((choice) => [h("code", String(choice)), " "])], kinds.length && ["kind", kinds.join(" or ")], range && ["range", range],
    isRequired ? ["required", "yes"] : schema.default !== undefined && ["by default", h("code", JSON.stringify(schema.default))],
  ].filter(Boolean);
  // Between backticks stand names.
  const words = (schema.description ?? "").split("`").map((part, index) => (index % 2 ? h("code", part) : part));
  return [h("p", words), h("dl", facts.flatMap(([title, value]) => [h("dt", title), h("dd", value)]))];
}
