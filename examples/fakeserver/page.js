// The parts of the page with data-live are loaded again every second, unless the page is
// paused or hidden. Elements that did not change stay, with the focus and what is open.
const pause = document.getElementById("pause"), state = document.getElementById("state");
let paused = false;

function update(part, fresh) {
	const same = (a, b) => a && a.id === b.id && a.textContent === b.textContent;
	for (const old of [...part.children]) {
		if (![...fresh.children].some(child => same(old, child))) old.remove();
	}
	[...fresh.children].forEach((child, i) => {
		if (!same(part.children[i], child)) part.insertBefore(child, part.children[i] ?? null);
	});
}

async function refresh() {
	if (paused || document.hidden) return;
	try {
		const response = await fetch("/", {signal: AbortSignal.timeout(5000)});
		if (!response.ok) throw new Error(response.statusText);
		const page = new DOMParser().parseFromString(await response.text(), "text/html");
		for (const part of document.querySelectorAll("[data-live]")) update(part, page.getElementById(part.id));
		state.textContent = "";
	} catch {
		state.textContent = "The fake does not respond.";
	}
}

pause.hidden = false;
pause.addEventListener("click", () => {
	paused = !paused;
	pause.textContent = paused ? "Continue" : "Pause";
	refresh();
});
document.addEventListener("visibilitychange", refresh);
(async () => {
	for (;;) {
		await new Promise(done => setTimeout(done, 1000));
		await refresh();
	}
})();
