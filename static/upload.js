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
    if (input.files[0]) name.textContent = `${input.files[0].name} (${sizes(input.files[0].size)})`;
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

  form.addEventListener("submit", (submission) => {
    const file = input.files[0];
    if (!file) return;
    submission.preventDefault();
    submission.stopImmediatePropagation();
    const button = form.querySelector("button");
    if (file.size > Number(form.dataset.limit)) {
      // The server would cut it off while it is sent, and the answer would be lost.
      sending.hidden = false;
      said.textContent = `This file has ${sizes(file.size)}; an upload may have ${sizes(Number(form.dataset.limit))}. Compress it.`;
      return;
    }
    const request = new XMLHttpRequest();
    request.open("POST", `${form.dataset.raw}&name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", form.elements.csrf_token.value);
    button.disabled = true;
    sending.hidden = false;
    request.upload.addEventListener("progress", (progress) => {
      bar.value = (100 * progress.loaded) / progress.total;
      said.textContent = `${sizes(progress.loaded)} of ${sizes(progress.total)}`;
    });
    const failed = (sentence) => {
      said.textContent = sentence;
      button.disabled = false;
    };
    request.addEventListener("error", () => failed("The connection broke. Nothing was kept; try again."));
    request.addEventListener("load", () => {
      let answer = {};
      try {
        answer = JSON.parse(request.responseText);
      } catch {
        answer = { message: `The server answered ${request.status}.` };
      }
      if (request.status < 300 && answer.page) location.assign(answer.page);
      else failed([answer.message, answer.hint].filter(Boolean).join(" "));
    });
    request.send(file);
  });
});
