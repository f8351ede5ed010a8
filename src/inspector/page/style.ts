/** Light and dark colours. The colours of phases and reasons are distinguishable without red-green vision. */
export const style = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f8;
  --panel: #ffffff;
  --line: #dfe3e7;
  --faint: #eceff2;
  --text: #1b2026;
  --muted: #56606b;
  --focus: #0a5fd1;
  --dns: #a8508a;
  --connect: #0072b2;
  --proxy: #7c6a00;
  --tls: #00805a;
  --handshake: #bd6c00;
  --wait: #87909b;
  --failure: #c2390a;
  --good: #7d97ab;
  --mended: #b07400;
  --lost-text: #a92f05;
  --lost-ground: #fdeee8;
  --late-text: #7a4f00;
  --late-ground: #fbf1dc;
  --mend-text: #8a2480;
  --mend-ground: #f9ebf7;
  --good-text: #0b6045;
  --good-ground: #e5f4ee;
  --plain-ground: #eef1f4;
  --gap: .9rem;
  --dialer-width: 6.5rem;
  --target-width: clamp(9rem, 17vw, 17rem);
  --took-width: 4.6rem;
  --attempts-width: 5.6rem;
  --end-width: 9.6rem;
  --trace-width: 0rem;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f1216;
    --panel: #161a20;
    --line: #2a3038;
    --faint: #20252c;
    --text: #e4e8ec;
    --muted: #9aa5b1;
    --focus: #6cb2ff;
    --dns: #e08fc3;
    --connect: #56b4e9;
    --proxy: #dccb4e;
    --tls: #34c79a;
    --handshake: #f0a63c;
    --wait: #77818d;
    --failure: #ff7a4d;
    --good: #5d7486;
  --mended: #e0a832;
    --lost-text: #ff9d7a;
    --lost-ground: #3a1d13;
    --late-text: #f2c063;
    --late-ground: #33270f;
    --mend-text: #e8a0e0;
    --mend-ground: #351a33;
    --good-text: #62d3ab;
    --good-ground: #12302a;
    --plain-ground: #222831;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0;
  background: var(--ground);
  color: var(--text);
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", Cantarell, "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums;
  -webkit-text-size-adjust: 100%;
}
header, main, footer { max-width: 90rem; margin: 0 auto; padding: 0 1.5rem; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1.25rem; padding-top: 1.25rem; padding-bottom: .25rem; }
h1 { display: flex; align-items: center; gap: .6rem; margin: 0; font-size: 1.15rem; font-weight: 650; letter-spacing: -.01em; }
.mark { display: grid; gap: 2px; width: 20px; }
.mark i { display: block; height: 4px; border-radius: 1px; width: 10px; background: var(--connect); }
.mark i + i { margin-left: 4px; background: var(--tls); }
.mark i + i + i { margin-left: 9px; background: var(--handshake); }
header p { margin: 0; color: var(--muted); }
#process { flex: 1; min-width: 12rem; }
#status { display: flex; align-items: center; gap: .45rem; }
#status::before { content: ""; width: .55rem; height: .55rem; border-radius: 50%; border: 2px solid var(--wait); }
#status[data-state="live"]::before { border-color: var(--tls); background: var(--tls); }
#status[data-state="lost"]::before { border-color: var(--failure); background: var(--failure); border-radius: 1px; }
h2 { margin: 0; font-size: .95rem; font-weight: 650; }
.count { margin-left: .3rem; color: var(--muted); font-weight: 400; }
section { margin: 1.5rem 0; }
section:focus { outline: none; }
#clients-note { font-size: .88em; }
section > h2 { margin-bottom: .6rem; }
ul, ol { list-style: none; margin: 0; padding: 0; }
.empty { margin: 0; padding: 1rem; border: 1px dashed var(--line); border-radius: 8px; color: var(--muted); text-align: center; }
[hidden] { display: none !important; }
.mono { font-family: var(--mono); font-size: .93em; }
.muted { color: var(--muted); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; padding: .3rem .6rem; background: var(--panel); z-index: 1; }
a { color: inherit; text-decoration-color: var(--wait); text-underline-offset: .2em; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 4px; }
button, input { font: inherit; color: inherit; }
button, .search input, fieldset { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; }
button { padding: .2rem .8rem; cursor: pointer; }
button:hover { border-color: var(--wait); }
button[aria-pressed="true"] { background: var(--text); color: var(--panel); border-color: var(--text); }

#dialers-summary { display: flex; flex-wrap: wrap; gap: 0 1.5rem; margin: 0 0 .6rem; }
#dialers-summary .failing { color: var(--lost-text); font-weight: 600; }
#dialers-summary .late { color: var(--late-text); }
#dialers-summary .recovered { color: var(--good-text); }
#dialers { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(22rem, 100%), 1fr)); gap: .75rem; }
.dialer { scroll-margin-top: 1rem; min-width: 0; padding: .85rem 1rem; background: var(--panel); border: 1px solid var(--line); border-radius: 8px; }
.dialer .top { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 0 1rem; }
.dialer h3 { margin: 0; font-size: 1rem; font-weight: 600; overflow-wrap: anywhere; }
.dialer .rate b { font-weight: 600; color: var(--text); }
.dialer .failing, .dialer .rate b.failing { color: var(--lost-text); font-weight: 600; }
.dialer svg { display: block; width: 100%; height: 32px; margin: .5rem 0 .45rem; border-bottom: 1px solid var(--line); }
.dialer .succeeded { fill: var(--good); }
.dialer .mended { fill: var(--mended); }
.dialer .failed { fill: var(--failure); }
.recovery { margin: 0 0 .3rem; }
.recovery.recovered { color: var(--good-text); font-weight: 600; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .1rem .9rem; margin: 0; }
dt { color: var(--muted); }
dd { margin: 0; overflow-wrap: anywhere; }
dd.late, .attempts.late { color: var(--late-text); font-weight: 600; }
dd.lost { color: var(--lost-text); font-weight: 600; }
.breaker { display: block; font-weight: 400; color: var(--text); }
.facts { display: flex; flex-wrap: wrap; gap: 0 .9rem; color: var(--muted); }
.facts span { white-space: nowrap; }
.facts b { color: var(--text); font-weight: 600; }
.dialer .layers { margin-top: .6rem; font-size: .88em; }
.reasons { display: flex; flex-wrap: wrap; align-items: baseline; gap: .3rem; margin-top: .5rem; }

.pill { display: inline-block; padding: 0 .5em; border-radius: 4px; background: var(--plain-ground); color: var(--text); font-size: .88em; line-height: 1.55; white-space: nowrap; }
.pill.lost { background: var(--lost-ground); color: var(--lost-text); }
.pill.late { background: var(--late-ground); color: var(--late-text); }
.pill.mend { background: var(--mend-ground); color: var(--mend-text); }
.pill.good { background: var(--good-ground); color: var(--good-text); }

.scroll { max-height: 21rem; overflow: auto; background: var(--panel); border: 1px solid var(--line); border-radius: 8px; }
table { width: 100%; border-collapse: separate; border-spacing: 0; }
thead th { position: sticky; top: 0; background: var(--panel); border-bottom: 1px solid var(--faint); }
tbody tr:first-child td { border-top: 0; }
th, td { padding: .38rem .75rem; text-align: left; vertical-align: baseline; border-top: 1px solid var(--faint); overflow-wrap: anywhere; }
thead th { border-top: 0; color: var(--muted); font-weight: 400; font-size: .88em; white-space: nowrap; overflow-wrap: normal; }
.number { text-align: right; white-space: nowrap; }
th:first-child, td:first-child { padding-left: 1rem; }
th:last-child, td:last-child { padding-right: 1rem; }

.heading { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem 1.25rem; margin-bottom: .6rem; }
.legend { display: flex; flex-wrap: wrap; gap: 0 .9rem; order: 1; flex-basis: 100%; color: var(--muted); font-size: .88em; }
.legend li { display: flex; align-items: center; gap: .35rem; }
.legend i { width: .75rem; height: .6rem; border-radius: 2px; background: var(--phase); }
.filters { display: flex; flex-wrap: wrap; gap: .5rem 1rem; margin-left: auto; }
fieldset { display: flex; margin: 0; padding: 0; overflow: hidden; min-width: 0; }
fieldset legend { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
fieldset label { position: relative; padding: .2rem .7rem; cursor: pointer; color: var(--muted); }
fieldset label + label { border-left: 1px solid var(--line); }
fieldset label:has(:checked) { background: var(--plain-ground); color: var(--text); }
fieldset label:has(:focus-visible) { outline: 2px solid var(--focus); outline-offset: -2px; border-radius: 6px; }
fieldset input { position: absolute; inset: 0; margin: 0; opacity: 0; cursor: pointer; }
.toggle { display: flex; align-items: center; gap: .4rem; cursor: pointer; }
.toggle input { margin: 0; accent-color: var(--focus); }
#scale-range { color: var(--muted); }
#dials-more { display: block; margin: .6rem auto 0; }
.search span { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.search input { width: 17rem; max-width: 100%; padding: .2rem .6rem; }
.search input::placeholder { color: var(--muted); opacity: 1; }

#dial-list:not(:empty) { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
#dial-list > li + li { border-top: 1px solid var(--faint); }
#dial-list.traced { --trace-width: 5rem; }
summary { cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
summary::before { content: ""; width: .42rem; height: .42rem; border: solid var(--muted); border-width: 0 1.5px 1.5px 0; transform: rotate(-45deg); }
details[open] > summary::before { transform: rotate(45deg); }
.fold > summary { display: flex; align-items: center; gap: .5rem; padding: .2rem .3rem; margin-bottom: .4rem; }
.dial > summary {
  display: grid;
  grid-template-columns: .6rem 4.2rem var(--dialer-width) var(--target-width) minmax(0, 1fr) var(--took-width) var(--attempts-width) var(--end-width) var(--trace-width);
  gap: 0 var(--gap);
  align-items: center;
  padding: .42rem 1rem;
}
.dial > summary:hover, .fold > summary:hover { background: var(--faint); }
.dial > summary:focus-visible { outline-offset: -2px; }
.dial > summary > * { min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.dial > summary .took { text-align: right; }
.dial > summary .end { overflow: visible; }
.dial > summary .trace:empty { visibility: hidden; }

.track { position: relative; display: block; height: 14px; }
.mini { overflow: hidden; border-radius: 3px; background: var(--faint); }
.bar { position: absolute; top: 2px; bottom: 2px; min-width: 2px; border-radius: 2px; background: var(--phase); }
.dns { --phase: var(--dns); }
.connect { --phase: var(--connect); }
.proxy { --phase: var(--proxy); }
.tls { --phase: var(--tls); }
.handshake { --phase: var(--handshake); }
.attempt { --phase: var(--muted); }
.wait { --phase: var(--wait); }
.legend .failure { background: repeating-linear-gradient(135deg, var(--failure) 0 2px, transparent 2px 4px); border: solid var(--failure); border-width: 0 3px 0 0; }
.bar.attempt { top: 6px; bottom: 6px; border-radius: 0; opacity: .55; }
.bar.wait, .legend .wait { background: radial-gradient(circle at 3px 50%, var(--wait) 1px, transparent 1.5px) 0 50% / 6px 100% repeat-x; }
.bar.failure:not(.attempt, .wait) { background: repeating-linear-gradient(135deg, var(--phase) 0 3px, transparent 3px 6px), var(--ground); border-right: 3px solid var(--failure); min-width: 5px; }
.bar.failure.attempt { background: var(--failure); opacity: .8; }
.bar.canceled:not(.attempt, .wait) { background: none; border: 1.5px dashed var(--phase); }
.bar.running:not(.wait) { border-radius: 2px 0 0 2px; animation: breathe 2s ease-in-out infinite alternate; }
@keyframes breathe { from { opacity: 1; } to { opacity: .55; } }
@media (prefers-reduced-motion: reduce) { .bar { animation: none !important; } }

.detail { padding: .25rem 1rem 1rem 2.5rem; }
/* The bars stand beneath those of the line above: a summary's first columns are as wide as the names here. */
.waterfall { display: grid; grid-template-columns: calc(4.2rem + var(--dialer-width) + var(--target-width) + 2 * var(--gap)) minmax(0, 1fr) var(--took-width) calc(var(--attempts-width) + var(--end-width) + var(--trace-width) + 2 * var(--gap)); gap: 0 var(--gap); }
.waterfall > li { display: grid; grid-template-columns: subgrid; grid-column: 1 / -1; align-items: center; min-height: 1.6rem; }
.waterfall .what { overflow-wrap: anywhere; }
.waterfall .child .what { padding-left: 1.1rem; }
.waterfall .name { color: var(--muted); margin-right: .25rem; }
.waterfall .attempt-row .name { color: var(--text); font-weight: 600; }
.waterfall .took { text-align: right; white-space: nowrap; }
.waterfall .track { height: 100%; min-height: 1.6rem; background: repeating-linear-gradient(to right, var(--line) 0 1px, transparent 1px var(--step, 25%)); box-shadow: 1px 0 var(--line); }
.waterfall .bar { top: calc(50% - 5px); bottom: auto; height: 10px; }
.waterfall .bar.attempt { top: calc(50% - 1px); height: 2px; }
.axis { color: var(--muted); font-size: .82em; }
.axis .ticks { position: relative; height: 1.3rem; }
.axis .ticks span { position: absolute; white-space: nowrap; transform: translateX(-50%); }
.axis .ticks span:first-child { transform: none; }
.message { margin: .6rem 0 0; padding: .4rem .7rem; border-left: 3px solid var(--failure); background: var(--lost-ground); color: var(--text); overflow-wrap: anywhere; border-radius: 0 4px 4px 0; }
.after { margin: .5rem 0 0; color: var(--muted); }
footer { padding-bottom: 2rem; color: var(--muted); font-size: .88em; }
kbd { padding: 0 .35em; border: 1px solid var(--line); border-radius: 4px; background: var(--panel); font-family: var(--mono); font-size: .95em; }

@media (max-width: 68rem) {
  .dial > summary { grid-template-columns: .6rem 4.2rem var(--dialer-width) minmax(0, 1fr) var(--attempts-width) var(--end-width) var(--trace-width); gap: .2rem .6rem; padding: .5rem .9rem; }
  .dial > summary::before, .dial > summary > * { grid-row: 1; }
  .dial > summary .mini { grid-column: 2 / 6; grid-row: 2; }
  .dial > summary .took { grid-column: 6; grid-row: 2; text-align: left; }
  .detail { padding: 0 .9rem .9rem; }
  .waterfall { display: block; }
  .waterfall > li { grid-template-columns: minmax(0, 1fr) auto 4rem; gap: 0 .6rem; }
  .waterfall .what { grid-column: 1; grid-row: 1; }
  .waterfall .child .what { padding-left: .7rem; }
  .waterfall .end { grid-column: 2; grid-row: 1; }
  .waterfall .end > .muted { display: none; }
  .waterfall .took { grid-column: 3; grid-row: 1; }
  .waterfall .track { grid-column: 1 / -1; grid-row: 2; min-height: 1.1rem; }
  .waterfall > .axis, .axis .ticks { display: block; }
  .axis .ticks span.last { transform: translateX(-100%); }
}
@media (max-width: 46rem) {
  header, main, footer { padding-left: .9rem; padding-right: .9rem; }
  #process { order: 5; flex-basis: 100%; }
  #status { flex: 1; justify-content: flex-end; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { display: flex; flex-wrap: wrap; gap: 0 1rem; padding: .45rem .9rem; }
  tbody tr + tr { border-top: 1px solid var(--faint); }
  td, td:first-child, td:last-child { padding: .1rem 0; border: 0; text-align: left; }
  td:first-child { flex-basis: 100%; }
  td[data-label]::before { content: attr(data-label) " "; color: var(--muted); }
  td:empty, td.none, td.same { display: none; }
  .dial > summary { grid-template-columns: .6rem minmax(0, 1fr) auto 4.6rem; gap: .15rem .6rem; padding: .55rem .9rem; }
  .dial > summary .target { grid-column: 2 / -1; grid-row: 1; white-space: normal; overflow-wrap: anywhere; }
  .dial > summary .mini { grid-column: 2 / 4; }
  .dial > summary .took { grid-column: 4; text-align: right; }
  .dial > summary .when, .dial > summary .dialer-name { grid-column: 2; font-size: .88em; }
  .dial > summary .when { grid-row: 3; }
  .dial > summary .end { grid-column: 3 / -1; grid-row: 3; justify-self: end; }
  .dial > summary .dialer-name { grid-row: 4; }
  .dial > summary .attempts { grid-column: 3; grid-row: 4; font-size: .88em; justify-self: end; }
  .dial > summary .trace { grid-column: 4; grid-row: 4; font-size: .82em; justify-self: end; }
  .dial > summary:not(:has(.trace > *)) .attempts { grid-column: 3 / -1; }
  .filters, .search, .search input { width: 100%; }
}
@media (forced-colors: active) {
  .bar, .legend i, .mark i, .dialer .succeeded, .dialer .mended, .dialer .failed { forced-color-adjust: none; }
}
`;
