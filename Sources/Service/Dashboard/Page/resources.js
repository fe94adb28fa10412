// Data sets with their pictures and counts, weights, and the networks that there are.
import { h, put, table, copyButton, toast, bytes, figure, time } from "./dom.js";
import { get, create, remove, everything } from "./api.js";

export async function show(body, { parts, signal }) {
  return parts[0] === "datasets" ? showDatasets(body, parts[1], signal) : showModels(body, signal);
}

// MARK: Data sets

async function showDatasets(body, id, signal) {
  const sets = id ? [await get(`/v1/datasets/${encodeURIComponent(id)}`, signal)] : await everything("/v1/datasets", { signal });
  body.append(h("h1", id ? sets[0].name : "Data sets"), id ? h("p", h("a", { href: "#/datasets" }, "All data sets")) : uploadDataset(), h("div.columns", sets.map((set) => dataset(set, () => body.isConnected && reload(body, () => showDatasets(body, id, signal))))));
  return id ? sets[0].name : "Data sets";
}

async function reload(body, again) {
  body.replaceChildren();
  try { await again(); } catch (error) { put(body, h("p.fault", error.message)); }
}

function dataset(set, changed) {
  // Rows of features, and images of other numbers of channels, have no picture.
  const isPicture = set.shape.length === 3 && [1, 3].includes(set.shape[2]);
  const samples = isPicture && h("figure", { hidden: true }, h("figcaption", "First training images of each class"), h("img.picture", { alt: `The first training images of each class of ${set.name}`, src: `/v1/datasets/${encodeURIComponent(set.id)}/samples.png`, onload: () => { samples.hidden = false; } }));
  const largest = Math.max(1, ...set.train.per_class);
  const shown = 20;
  return h("section.card", { "aria-label": set.name },
    h("h2", h("a", { href: `#/datasets/${encodeURIComponent(set.id)}` }, set.name)), h("p", h("span.id", set.id), " ", copyButton(set.id, "Copy the id"), set.built_in && " built in"),
    set.damaged && h("p.fault", "Its file is damaged."),
    (set.warnings ?? []).map((warning) => h("div.warning", warning.detail, " ", h("span.id", warning.code))),
    h("p", `${figure(set.train.count)} images for training, ${figure(set.test.count)} for tests, ${set.shape.join(" × ")}, ${set.classes} classes, ${bytes(set.bytes)}`),
    samples,
    h("h3", "Images of each class, training and test"),
    h("div.counts", set.class_names.slice(0, shown).flatMap((name, label) => [h("span", name), h("meter", { max: largest, value: set.train.per_class[label], "aria-label": `Training images of ${name}` }), h("span", `${figure(set.train.per_class[label])}, ${figure(set.test.per_class[label])}`)])),
    set.classes > shown && h("p.dim.small", `and ${set.classes - shown} further classes`),
    h("p.small.dim", "SHA-256 ", h("code", set.sha256)),
    h("div.bar", h("a.button", { href: `#/submit?dataset=${encodeURIComponent(set.id)}` }, "Train on it"), !set.built_in && deleteButton(set.name, `/v1/datasets/${set.id}`, changed)));
}

function deleteButton(name, path, changed) {
  return h("button.danger", { type: "button", onclick: async () => {
    if (!confirm(`Delete ${name}?`)) return;
    try { await remove(path); changed(); } catch (error) { toast(error.message); }
  } }, "Delete");
}

/** The forms of an upload: the fields that the service wants; `several` where a field takes several files. A field `file` is the whole body. */
const formats = {
  npz: [["file", "x_train, y_train, x_test, y_test (.npz)"]],
  images: [["file", "train/CLASS/… and test/CLASS/… (.zip, .tar, .tar.gz)"]],
  idx: [["train_images", "training images"], ["train_labels", "training labels"], ["test_images", "test images"], ["test_labels", "test labels"]],
  npy: [["x_train", "training images"], ["y_train", "training labels"], ["x_test", "test images"], ["y_test", "test labels"]],
  csv: [["train", "training rows, with a column label"], ["test", "test rows"]],
  cifar: [["train", "training batches", "several"], ["test", "test batch"]],
};

function uploadDataset() {
  const files = h("div.bar"), fault = h("p.fault", { role: "alert" });
  const format = h("select", { onchange: () => showFields() }, Object.keys(formats).map((name) => h("option", { value: name }, name)));
  const name = h("input", { maxlength: 200, size: 20 });
  const size = h("label", "Resize to", h("input", { name: "resize", placeholder: "height,width", pattern: "\\d+,\\d+", size: 12 }));
  function showFields() { put(files, formats[format.value].map(([field, title, several]) => h("label", title, h("input", { type: "file", name: field, required: true, multiple: Boolean(several) }))), format.value === "images" ? size : []); }
  showFields();
  const button = h("button.primary", { type: "submit" }, "Upload");
  return upload("Upload a data set", [h("div.bar", h("label", "Name", name), h("label", "Format", format)), files, button, fault], button, fault, async (form) => {
    const inputs = [...form.querySelectorAll("input[type=file]")];
    let body;
    if (inputs[0].name === "file") body = new Blob([inputs[0].files[0]], { type: "application/octet-stream" });
    else {
      body = new FormData();
      for (const input of inputs) for (const file of input.files) body.append(input.name, file);
    }
    const resize = format.value === "images" && size.querySelector("input").value;
    const set = await create(`/v1/datasets?format=${format.value}&name=${encodeURIComponent(name.value || inputs[0].files[0].name)}${resize ? `&resize=${encodeURIComponent(resize)}` : ""}`, body);
    location.hash = `#/datasets/${set.id}`;
  });
}

function upload(title, content, button, fault, send) {
  return h("details.card", h("summary", title), h("form", { onsubmit: async (event) => {
    event.preventDefault();
    put(fault, "");
    button.disabled = true;
    button.textContent = "Uploading …";
    try { await send(event.target); } catch (error) { put(fault, error.message); }
    button.disabled = false;
    button.textContent = "Upload";
  } }, content));
}

// MARK: Weights and networks

async function showModels(body, signal) {
  const [models, networks] = await Promise.all([everything("/v1/models", { signal }), everything("/v1/architectures", { signal })]);
  const again = () => body.isConnected && reload(body, () => showModels(body, signal));
  const fault = h("p.fault", { role: "alert" }), name = h("input", { maxlength: 200 }), file = h("input", { type: "file", accept: ".safetensors,.onnx", required: true });
  const button = h("button.primary", { type: "submit" }, "Upload");
  body.append(h("h1", "Models"),
    upload("Upload weights (safetensors) or a network (ONNX)", [h("div.bar", h("label", "Name", name), h("label", "File", file)), button, fault], button, fault, async () => {
      const format = file.files[0].name.endsWith(".onnx") ? "onnx" : "safetensors";
      await create(`/v1/models?format=${format}&name=${encodeURIComponent(name.value || file.files[0].name)}`, new Blob([file.files[0]], { type: "application/octet-stream" }));
      again();
    }),
    h("section.card", models.length ? table("Uploaded weights", ["name", "id", "parameters", "size", "SHA-256", "uploaded", "tensors", ""], models.map((model) => [
      model.name, h("span", h("span.id", model.id), " ", copyButton(model.id)), figure(model.parameters), bytes(model.bytes), h("span", h("code", { title: model.sha256 }, model.sha256.slice(0, 12)), "…"), time(model.created_at),
      h("details", h("summary", String(model.tensors.length)), h("ul.plain.small", model.tensors.map((tensor) => h("li", h("code", `${tensor.name} [${tensor.shape.join(", ")}]`))))),
      deleteButton(model.name, `/v1/models/${model.id}`, again)]), { className: ".cards", numbers: [2, 3] })
      : [h("h2", "Uploaded weights"), h("p", "There are none. A job's checkpoints can be used without uploading them: ", h("code", "\"model\": {\"init\": \"job_…/best_robust\"}"), ".")]),
    h("section.card", table("Networks that a spec can name", ["architecture", "what it is", "parameters"], networks.map((network) => [
      h("b", network.id), h("span", network.description, h("div.small.dim", network.source)),
      h("span", network.parameters.map((parameter) => h("div.small", h("code", parameter.name), ` ${parameter.must_be}, by default ${JSON.stringify(parameter.default)}`)))]), { className: ".cards" })));
  return "Models";
}
