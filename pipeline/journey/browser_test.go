package journey_test

import (
	"context"
	"fmt"
	"html"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"fhirbridge/pipeline/journey"
)

// browserEnv names the browser that draws the screens (chromium), pictureEnv a file to put the picture in, if any.
const (
	browserEnv = "BRIDGE_TEST_BROWSER"
	pictureEnv = "BRIDGE_TEST_PICTURE"
)

// shownInArabic are what Arabic texts are filled with: the words of hospitals are Latin as often as not, and
// brackets, numbers and hyphens are what jumps to the other end of a line.
var shownInArabic = map[string]string{
	"name": "Erika O’Neil", "place": "House 2 (B)", "where": "House 2 (B)", "address": "Harbour Road 1, 20457 Hamburg", "way": "Main entrance, then lift B-2",
	"clinician": "Dr. Careful (MD)", "phone": "+1 555 0100-100", "facility": "Harbour Hospital (HH)", "instruction": "Bring your papers (2 copies).",
	"date": "الثلاثاء، 9 مارس 2027", "time": "3:05 م", "olddate": "الاثنين، 8 مارس 2027", "oldtime": "10:30 ص",
}

func arabic(parameter string) string {
	for _, of := range []string{"first", "second", "third"} {
		parameter = strings.TrimPrefix(parameter, of)
	}
	if text, ok := shownInArabic[parameter]; ok {
		return text
	}
	return "Ward 3-12"
}

// TestBrowserArabic draws every Arabic text as a phone does, each paragraph in the direction of its first letter, and measures
// where its values stand: in a line from right to left, what comes before a value is right of it and what comes after
// is left of it; within it Latin words and numbers go from left to right, and Arabic ones from right to left.
func TestBrowserArabic(t *testing.T) {
	browser := os.Getenv(browserEnv)
	if browser == "" {
		t.Skip(browserEnv + " names no browser")
	}
	screens := journey.Screens(everything(t), "ar", arabic)
	if len(screens) < 40 {
		t.Fatalf("only %d Arabic texts", len(screens))
	}
	const bare = "bare" // a control: without isolates it must come out wrong, or nothing is measured
	screens[bare] = "House 2 (B): المكان\nرقم الهاتف +1 555 0100-100 (B) للاتصال"
	found := draw(t, browser, screens)
	if len(found[bare]) < 2 {
		t.Errorf("the text without isolates reads well: %q", found[bare])
	}
	delete(found, bare)
	for name, faults := range found {
		t.Errorf("%s: %s", name, strings.Join(faults, "; "))
	}
}

// draw renders the screens and returns what stands at the wrong place, by screen.
func draw(t *testing.T, browser string, screens map[string]string) map[string][]string {
	t.Helper()
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(browser), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.WindowSize(1700, 900),
	)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	defer stop()
	ctx, end := chromedp.NewContext(ctx)
	defer end()
	page := t.TempDir() + "/screens.html"
	if err := os.WriteFile(page, []byte(phone(screens)), 0o600); err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, v := range shownInArabic {
		values = append(values, v)
	}
	values = append(values, "Ward 3-12")
	if err := chromedp.Do(ctx, chromedp.Navigate("file://"+page)); err != nil {
		t.Fatal(err)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[map[string][]string](fmt.Sprintf("(%s)(%s)", measure, list(values))))
	if err != nil {
		t.Fatal(err)
	}
	if file := os.Getenv(pictureEnv); file != "" {
		picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, picture, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

func list(texts []string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = fmt.Sprintf("%q", text)
	}
	return "[" + strings.Join(quoted, ",") + "]"
}

// phone is a page with a bubble for each screen.
func phone(screens map[string]string) string {
	var b strings.Builder
	b.WriteString(`<!doctype html><meta charset="utf-8"><style>body{background:#e5ddd5;font:14px sans-serif;columns:5 320px}
		div{background:#fff;break-inside:avoid;border-radius:8px;margin:8px;padding:8px;width:300px}p{margin:0;min-height:1em;overflow-wrap:anywhere}</style>`)
	names := make([]string, 0, len(screens))
	for name := range screens {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "<div id=%q>", name)
		for line := range strings.SplitSeq(screens[name], "\n") {
			fmt.Fprintf(&b, `<p dir="auto">%s</p>`, html.EscapeString(line))
		}
		b.WriteString("</div>")
	}
	return b.String()
}

// measure looks at every letter of every line: where it is drawn tells what a reader sees.
const measure = `function(values) {
	const found = {}, arabic = /[\u0600-\u06ff]/;
	for (const p of document.querySelectorAll("p")) {
		const node = p.firstChild;
		if (!node) continue;
		const text = node.data, bubble = p.parentElement.id;
		const fault = what => (found[bubble] = found[bubble] || []).push(what + " in: " + text);
		if (arabic.test(text) && getComputedStyle(p).direction !== "rtl") fault("not from right to left");
		const letters = [];
		for (let i = 0; i < text.length; i++) {
			const range = document.createRange();
			range.setStart(node, i);
			range.setEnd(node, i + 1);
			const r = range.getClientRects()[0];
			if (r && r.width > 0 && text[i].trim() !== "") letters.push({i, left: r.left, right: r.right, line: Math.round(r.top / 8)});
		}
		for (const value of values) {
			for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + 1)) {
				const end = at + value.length, ltr = !arabic.test(value);
				for (const line of new Set(letters.map(l => l.line))) {
					const here = letters.filter(l => l.line === line), own = here.filter(l => l.i >= at && l.i < end);
					if (!own.length) continue;
					const left = Math.min(...own.map(l => l.left)), right = Math.max(...own.map(l => l.right));
					if (here.some(l => l.i < at && l.left < right - 1)) fault("what comes before " + value + " is not right of it");
					if (here.some(l => l.i >= end && l.right > left + 1)) fault("what comes after " + value + " is not left of it");
					const words = [];
					for (const l of own) {
						const before = text.slice(at, l.i), n = before.split(" ").length;
						const w = words[n] = words[n] || {left: Infinity, right: -Infinity};
						w.left = Math.min(w.left, l.left);
						w.right = Math.max(w.right, l.right);
					}
					const inOrder = words.filter(Boolean);
					for (let n = 1; n < inOrder.length; n++) {
						const [a, b] = [inOrder[n - 1], inOrder[n]];
						if (ltr ? b.left < a.right - 1 : b.right > a.left + 1) fault("the words of " + value + " are not in their order");
					}
					if (ltr && own.some((l, n) => n > 0 && l.left < own[n - 1].left - 1)) fault("the letters of " + value + " are not in their order");
				}
			}
		}
	}
	return found;
}`
