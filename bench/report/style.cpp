// SPDX-License-Identifier: Apache-2.0
#include "bench/report/html.hpp"

namespace rcuvm::report {

// The colours of better and worse are backed by a sign in the text, for those who cannot tell them apart.
const std::string_view page_style = R"css(
:root { color-scheme: light dark;
  --ink: #1c1e21; --soft: #5c6166; --rule: #d9dcdf; --ground: #ffffff; --panel: #f6f7f8;
  --good: #0b6b43; --bad: #a33a12; --accent: #0b4f8a; --warn-rule: #c98a1b; --warn-ground: #fdf6e7; }
@media (prefers-color-scheme: dark) { :root {
  --ink: #e4e6e8; --soft: #a2a8ae; --rule: #3a3f44; --ground: #17191b; --panel: #1f2225;
  --good: #63c79b; --bad: #f0926b; --accent: #7db7ee; --warn-rule: #b98a35; --warn-ground: #2a2417; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 2.2rem 1.5rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; margin: 2.6rem 0 .6rem; padding-bottom: .25rem; border-bottom: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
p { margin: .5rem 0; max-width: 78ch; }
.lead { color: var(--soft); margin: 0 0 1.2rem; }
.soft, caption, figcaption { color: var(--soft); font-size: .87rem; }
a { color: var(--accent); }
code, .mono { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .88em; }
.scroll { overflow-x: auto; margin: .6rem 0 1.2rem; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; caption-side: bottom; padding-top: .45rem; max-width: 78ch; }
th, td { padding: .32rem .7rem; text-align: right; vertical-align: baseline; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: .2rem; position: sticky; left: 0; background: var(--ground); }
thead th { font-weight: 600; border-bottom: 1.5px solid var(--ink); vertical-align: bottom; }
tbody tr { border-bottom: 1px solid var(--rule); }
tbody tr.side th { padding-top: 1rem; font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--soft); }
tbody tr.baseline td, tbody tr.baseline th { background: var(--panel); }
tbody th { font-weight: 500; }
td .abs, td .range { display: block; color: var(--soft); font-size: .82em; }
.good { color: var(--good); } .bad { color: var(--bad); }
.good b, .bad b { font-weight: 650; }
.sign { display: inline-block; width: 1em; margin-left: .15em; text-align: center; font-weight: 700; }
.dot { display: inline-block; width: .68em; height: .68em; border-radius: 2px; margin-right: .5em; vertical-align: baseline; }
.warnings { border-left: 4px solid var(--warn-rule); background: var(--warn-ground); padding: .6rem 1rem; margin: 1.2rem 0; }
.warnings ul, .findings ul { margin: .2rem 0; padding-left: 1.2rem; }
.findings { display: grid; grid-template-columns: repeat(auto-fit, minmax(310px, 1fr)); gap: 1rem; margin: 1rem 0; }
.findings section { border: 1px solid var(--rule); border-radius: 6px; padding: .7rem 1rem .9rem; }
.findings h3 { margin: 0 0 .3rem; }
.findings h4 { font-weight: 600; margin: .7rem 0 .1rem; font-size: .88rem; }
.findings p { margin: .15rem 0; font-size: .88rem; }
.findings th, .findings td { padding: .12rem .5rem .12rem 0; text-align: left; background: none; }
.findings tbody th { font-weight: 400; } .findings tbody tr { border: 0; }
.findings td:last-child { color: var(--soft); white-space: normal; }
.sides { display: flex; flex-wrap: wrap; gap: .4rem 3.5rem; }
.sides section { max-width: 100%; } .sides .scroll { margin-bottom: .3rem; }
.sides dl { margin-top: 0; max-width: 34rem; font-size: .82rem; }
figure { margin: 1rem 0 1.4rem; }
.plot { background: #ffffff; border: 1px solid var(--rule); border-radius: 6px; padding: .4rem; overflow-x: auto; }
.plot svg { display: block; max-width: 100%; height: auto; }
details { border: 1px solid var(--rule); border-radius: 6px; margin: .7rem 0; padding: 0 1rem; }
details[open] { padding-bottom: .8rem; }
summary { cursor: pointer; padding: .6rem 0; font-weight: 600; }
summary span { font-weight: 400; color: var(--soft); }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; font-size: .9rem; margin: .6rem 0; }
dl.facts dt { color: var(--soft); } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
@media print { details { border: 0; padding: 0; } .findings section { break-inside: avoid; } body { font-size: 12px; } }
)css";

}  // namespace rcuvm::report
