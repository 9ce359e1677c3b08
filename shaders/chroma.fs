/*{
  "DESCRIPTION": "The colours of the light part towards the edges, as in an old lens.",
  "CREDIT": "DanceNet live",
  "ISFVSN": "2",
  "CATEGORIES": ["Optics"],
  "DANCENET": {"PLACE": 80},
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "radial", "TYPE": "float", "LABEL": "How far colours part away from the middle", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.25},
    {"NAME": "sideways", "TYPE": "float", "LABEL": "How far colours part everywhere", "MIN": -1.0, "MAX": 1.0, "DEFAULT": 0.12},
    {"NAME": "angle", "TYPE": "float", "LABEL": "Which way they part, turns", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.0}
  ]
}*/

void main() {
    vec2 p = isf_FragNormCoord;
    vec2 shape = vec2(RENDERSIZE.y / RENDERSIZE.x, 1.0);
    vec2 middle = p - 0.5;
    vec2 way = vec2(cos(6.2831853 * angle), sin(6.2831853 * angle)) * shape;
    vec2 part = 0.05 * radial * middle * dot(middle, middle) / 0.25 + 0.02 * sideways * way;
    vec4 a = IMG_NORM_PIXEL(inputImage, p + part);
    vec4 b = IMG_THIS_PIXEL(inputImage);
    vec4 c = IMG_NORM_PIXEL(inputImage, p - part);
    // Each colour takes some of its neighbours' light: fringes of ember and tide rather than of red and blue.
    gl_FragColor = vec4(dot(vec3(a.r, b.r, c.r), vec3(0.88, 0.10, 0.02)),
                        dot(vec3(a.g, b.g, c.g), vec3(0.22, 0.56, 0.22)),
                        dot(vec3(a.b, b.b, c.b), vec3(0.05, 0.15, 0.80)),
                        max(a.a, max(b.a, c.a)));
}
