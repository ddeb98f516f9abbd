// The progress of an upload, which a plain form cannot show. Without script the form itself uploads the file.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const form = document.getElementById("upload");
  if (!form) return;
  const input = form.querySelector("input[type=file]");
  const drop = form.querySelector(".drop");
  const sending = form.querySelector(".sending");
  const bar = sending.querySelector("progress");
  const said = sending.querySelector("p");
  const name = drop.querySelector("label b");
  const sizes = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

  input.addEventListener("change", () => {
    const chosen = [...input.files];
    if (chosen.length === 1) name.textContent = `${chosen[0].name} (${sizes(chosen[0].size)})`;
    if (chosen.length > 1) name.textContent = `${chosen.length} files (${sizes(chosen.reduce((sum, each) => sum + each.size, 0))})`;
  });
  for (const event of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(event, (happening) => {
      happening.preventDefault();
      drop.classList.toggle("over", event === "dragover");
      if (event === "drop" && happening.dataTransfer.files.length) {
        input.files = happening.dataTransfer.files;
        input.dispatchEvent(new Event("change"));
      }
    });
  }

  // A request that answers in JSON; what the server said is the reason when it refuses.
  const ask = (address, body, type, progressed) =>
    new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      request.open("POST", address);
      request.setRequestHeader("Content-Type", type);
      request.setRequestHeader("Accept", "application/json");
      request.setRequestHeader("X-CSRFToken", form.elements.csrf_token.value);
      request.upload.addEventListener("progress", progressed);
      request.addEventListener("error", () => failed(new Error("The connection broke. Nothing was kept; try again.")));
      request.addEventListener("load", () => {
        let answer = {};
        try {
          answer = JSON.parse(request.responseText);
        } catch {
          answer = { message: `The server answered ${request.status}.` };
        }
        if (request.status < 300) done(answer);
        else failed(new Error([answer.message, answer.hint].filter(Boolean).join(" ")));
      });
      request.send(body);
    });

  const send = async (files) => {
    const kept = [];
    for (const file of files) {
      const alone = files.length === 1;
      const address = `${form.dataset.raw}&name=${encodeURIComponent(file.name)}${alone ? "" : "&keep=yes"}`;
      const answer = await ask(address, file, "application/octet-stream", (progress) => {
        bar.value = (100 * progress.loaded) / progress.total;
        said.textContent = `${alone ? "" : `${file.name}: `}${sizes(progress.loaded)} of ${sizes(progress.total)}`;
      });
      if (alone) return answer;
      kept.push(answer.backup);
    }
    const named = new URLSearchParams(kept.map((backup) => ["backup", backup]));
    return ask(form.dataset.analyze, named.toString(), "application/x-www-form-urlencoded", () => {});
  };

  form.addEventListener("submit", (submission) => {
    const files = [...input.files];
    if (!files.length) return;
    submission.preventDefault();
    submission.stopImmediatePropagation();
    const button = form.querySelector("button");
    const large = files.find((file) => file.size > Number(form.dataset.limit));
    sending.hidden = false;
    if (large) {
      // The server would cut it off while it is sent, and the answer would be lost.
      said.textContent = `${files.length > 1 ? large.name : "This file"} has ${sizes(large.size)}; an upload may have ${sizes(Number(form.dataset.limit))}. Compress it.`;
      return;
    }
    button.disabled = true;
    send(files)
      .then((answer) => location.assign(answer.page))
      .catch((error) => {
        said.textContent = error.message;
        button.disabled = false;
      });
  });
});
