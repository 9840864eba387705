// Starts Swagger UI on the document that the page names.
"use strict";
{
  const root = document.getElementById("swagger-ui");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  theme();
  dark.addEventListener("change", theme);
  SwaggerUIBundle({
    domNode: root,
    url: new URL(root.dataset.document, location.href).href,
    validatorUrl: null, // the default sends the document to a server on the internet
    deepLinking: true,
    displayRequestDuration: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    showExtensions: false,
    tryItOutEnabled: true,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
  });
}
