export default function ({ parentElement, data }) {
  const place = parentElement.querySelector('[role="status"]');
  if (place.textContent !== data.text) place.textContent = data.text;
}
