// The browser's file field names a file of a chosen folder with its folders (webkitRelativePath), but not one of a
// folder that was dropped; that is known as `relativePath` to file-selector, with which Streamlit reads what is dropped.
const native = Object.getOwnPropertyDescriptor(File.prototype, "webkitRelativePath");

function withFolders() {
  const path = native.get.call(this) || (this.relativePath ?? "").replace(/^[.]?[/]/, "");
  return path.includes("/") ? path : "";
}

// What is being typed counts before files come: dropping them takes the focus from no field.
const commit = ({ type, target }) => {
  if (type === "drop" || target.type === "file") document.activeElement?.blur();
};

if (native.get.name !== withFolders.name) {
  Object.defineProperty(File.prototype, "webkitRelativePath", { ...native, get: withFolders });
  for (const event of ["drop", "change"]) document.addEventListener(event, commit, { capture: true });
}

export default function () {}
