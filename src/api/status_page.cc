#include "api/status_page.h"

namespace weir::api {

std::string status_page() {
  return R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Weir</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.healthy { color: #1a8a3a; } .unhealthy { color: #c4302b; } .draining, .disabled { color: #9a6b00; }
#error { color: #c4302b; }
</style>
</head>
<body>
<h1>Weir</h1>
<p id="summary">Loading</p>
<p id="error" role="alert"></p>
<p id="login" hidden><label>Token: <input id="token" type="password" autocomplete="off"></label> <button>Show</button></p>
<table>
<thead><tr><th>Pool</th><th>Backend</th><th>Address</th><th>Status</th><th class="number">Weight</th>
<th class="number">Active</th><th class="number">Requests</th><th class="number">Failed</th></tr></thead>
<tbody id="backends"></tbody>
</table>
<p id="more"><a href="config">Configuration</a> · <a href="connections">Connections</a> · <a href="metrics">Metrics</a> ·
<a href="openapi.json">API description</a></p>
<pre id="shown"></pre>
<script>
const element = id => document.getElementById(id);
function cell(row, text, kind) {
  const td = row.insertCell();
  td.textContent = text;
  if (kind) td.className = kind;
}
// Kept as long as this tab; a link cannot carry it, so what the links lead to is shown here then.
let token = sessionStorage.getItem('token') || '';
async function fetched(path) {
  const response = await fetch(path, token ? {headers: {Authorization: 'Bearer ' + token}} : {});
  element('login').hidden = response.status !== 401;
  if (response.status === 401) throw new Error(token ? 'the token is not known' : 'this API needs a token');
  if (!response.ok && response.status !== 503) throw new Error(path + ': ' + response.status);
  return response;
}
async function read(path) { return (await fetched(path)).json(); }
function log_in() {
  token = element('token').value.trim();
  sessionStorage.setItem('token', token);
  element('token').value = '';
  refresh();
}
async function show(event) {
  const path = event.target.getAttribute('href');
  if (!token || !path) return;
  event.preventDefault();
  try {
    element('shown').textContent = await (await fetched(path)).text();
  } catch (error) {
    element('error').textContent = error.message;
  }
}
element('login').querySelector('button').onclick = log_in;
element('token').onkeydown = event => { if (event.key === 'Enter') log_in(); };
element('more').onclick = show;
async function refresh() {
  try {
    const [health, list] = await Promise.all([read('health'), read('backends')]);
    element('summary').textContent = health.load_balancer_id + ', version ' + health.version + ', up ' +
      Math.floor(health.uptime_seconds) + ' s, ' + health.active_connections + ' connections, ' +
      health.requests_per_sec.toFixed(1) + ' requests/s' + (health.status === 'ok' ? '' : ', ' + health.status);
    const rows = document.createElement('tbody');
    rows.id = 'backends';
    for (const b of list.backends) {
      const row = rows.insertRow();
      cell(row, b.pool); cell(row, b.id); cell(row, b.address ?? b.reason); cell(row, b.status, b.status);
      for (const number of [b.weight, b.active_connections, b.total_requests, b.failed_requests])
        cell(row, number ?? '-', 'number');
    }
    element('backends').replaceWith(rows);
    element('error').textContent = '';
  } catch (error) {
    element('error').textContent = error.message;
  }
}
refresh();
setInterval(() => { if (element('login').hidden) refresh(); }, 2000);
</script>
</body>
</html>
)html";
}

}  // namespace weir::api
