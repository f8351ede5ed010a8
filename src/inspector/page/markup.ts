/** The page without style and script. The script inserts all data as text. */
export const markup = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>dialtrace</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M1 3h7v3H1z' fill='%230072b2'/%3E%3Cpath d='M5 7h6v3H5z' fill='%2300875f'/%3E%3Cpath d='M9 11h6v3H9z' fill='%23c77700'/%3E%3C/svg%3E">
<style>/* style */</style>
</head>
<body>
<a class="skip" href="#dials">Skip to the dials</a>
<a class="skip" href="#open-connections">Skip to the open connections</a>
<header>
  <h1><span class="mark" aria-hidden="true"><i></i><i></i><i></i></span>dialtrace</h1>
  <p id="process"></p>
  <p id="status" role="status"><span id="status-text">Connecting</span></p>
  <button id="pause" type="button" aria-pressed="false">Pause</button>
</header>
<noscript><p class="empty">This page needs JavaScript. The same data is at json.</p></noscript>
<main>
<section aria-labelledby="dialers-title">
  <h2 id="dialers-title">Dialers</h2>
  <p id="dialers-summary"></p>
  <ul id="dialers"></ul>
</section>
<section id="clients-section" aria-labelledby="clients-title" hidden>
  <h2 id="clients-title">Clients</h2>
  <div class="scroll" role="region" aria-labelledby="clients-title" tabindex="0"><table>
    <thead><tr><th scope="col">Client</th><th scope="col">State</th><th scope="col">Server</th><th scope="col" class="number">Reconnects</th><th scope="col">Last disconnect</th><th scope="col" class="number">Round trip</th><th scope="col" class="number">Messages received</th><th scope="col" class="number">Messages sent</th></tr></thead>
    <tbody id="clients"></tbody>
  </table></div>
  <p class="after" id="clients-note">A client measures round trips if its option rttIntervalMs is set.</p>
</section>
<section id="pools-section" aria-labelledby="pools-title" hidden>
  <h2 id="pools-title">Pools <span class="count">current state; reused, dialed, timed out and failed count the acquires since start</span></h2>
  <div class="scroll" role="region" aria-labelledby="pools-title" tabindex="0"><table>
    <thead><tr><th scope="col">Pool</th><th scope="col">Target</th><th scope="col" class="number">In use</th><th scope="col" class="number">Idle</th><th scope="col" class="number">Dialing</th><th scope="col" class="number">Waiting</th><th scope="col" class="number">Limit</th><th scope="col" class="number">Reused</th><th scope="col" class="number">Dialed</th><th scope="col" class="number">Timed out</th><th scope="col" class="number">Failed</th></tr></thead>
    <tbody id="pools"></tbody>
  </table></div>
</section>
<section id="dials" aria-labelledby="dials-title" tabindex="-1">
  <div class="heading">
    <h2 id="dials-title">Dials <span class="count" id="dials-count"></span></h2>
    <ul class="legend" aria-label="Colours of the phases">
      <li><i class="dns"></i>dns</li><li><i class="connect"></i>connect</li><li><i class="proxy"></i>proxy</li><li><i class="tls"></i>tls</li><li><i class="handshake"></i>handshake</li><li><i class="wait"></i>wait</li><li><i class="failure"></i>failed</li>
    </ul>
    <div class="filters">
      <fieldset>
        <legend>Show</legend>
        <label><input type="radio" name="show" value="all" checked>All</label><label><input type="radio" name="show" value="failed">Failed</label><label><input type="radio" name="show" value="mended">Mended</label><label><input type="radio" name="show" value="running">In progress</label>
      </fieldset>
      <label class="toggle"><input id="scale" type="checkbox">Common time scale <span id="scale-range"></span></label>
      <label class="search"><span>Filter</span><input id="filter" type="search" placeholder="target, dialer, reason, trace id" autocomplete="off" spellcheck="false"></label>
    </div>
  </div>
  <ol id="dial-list"></ol>
  <button id="dials-more" type="button" hidden></button>
  <p class="empty" id="dials-empty">No dials yet.</p>
</section>
<section id="open-connections" aria-labelledby="connections-title" tabindex="-1">
  <details class="fold" open>
  <summary><h2 id="connections-title">Open connections <span class="count" id="connections-count"></span></h2></summary>
  <div class="scroll" role="region" aria-labelledby="connections-title" tabindex="0"><table>
    <thead><tr><th scope="col">Target</th><th scope="col">Peer</th><th scope="col">Dialer</th><th scope="col">State</th><th scope="col" class="number">Age</th><th scope="col" class="number">Received</th><th scope="col" class="number">Sent</th></tr></thead>
    <tbody id="connections"></tbody>
  </table></div>
  <p class="empty" id="connections-empty">No open connections.</p>
  </details>
</section>
</main>
<footer>
  <p>Keys: <kbd>/</kbd> filter, <kbd>j</kbd> <kbd>k</kbd> next and previous dial, <kbd>Enter</kbd> expands it, <kbd>s</kbd> switches the time scale, <kbd>p</kbd> pauses. The data: <a id="json" href="json">JSON</a>.</p>
</footer>
<script>/* script */</script>
</body>
</html>
`;
