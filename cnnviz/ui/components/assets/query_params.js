const followed = { turn: null };  // each telling once, however often it is drawn
const plain = (search) => new URLSearchParams(search).toString();

export default function ({ data }) {
  const { turn, to, since, page, others } = data;
  const here = location.pathname.replace(/[/]+$/, "").split("/").pop();
  const ours = page ? here === page : !others.includes(here);
  const isNew = turn !== followed.turn && to !== null && (!since || since.map(plain).includes(plain(location.search)));
  followed.turn = turn;
  if (!ours || !isNew) return;
  const now = [...new URLSearchParams(location.search)];
  const kept = new URLSearchParams(now.filter(([name]) => name.startsWith("embed")));
  const search = [to, kept.toString()].filter(Boolean).join("&");
  history.replaceState(history.state, "", location.pathname + (search ? "?" + search : "") + location.hash);
}
