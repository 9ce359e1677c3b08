/*{
    "DESCRIPTION": "Drawn by hand: a chalk line that is drawn anew eight times a second, hatching, and what the sleeve wiped.",
    "CREDIT": "DanceNet live",
    "ISFVSN": "2",
    "CATEGORIES": ["Stylize", "Silhouette"],
    "INPUTS": [
        {"NAME": "inputImage", "TYPE": "image"},
        {"NAME": "wobble", "LABEL": "Unsteady hand", "TYPE": "float", "DEFAULT": 0.4, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "hatch", "LABEL": "Hatching", "TYPE": "float", "DEFAULT": 0.6, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "smudge", "LABEL": "Smudges", "TYPE": "float", "DEFAULT": 0.5, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "hue", "LABEL": "Chalk of the hatching: amber, rose, violet, tide", "TYPE": "float", "DEFAULT": 0.33, "MIN": 0.0, "MAX": 1.0}
    ],
    "PASSES": [
        {"TARGET": "field", "PERSISTENT": true, "WIDTH": "floor($WIDTH/4)", "HEIGHT": "floor($HEIGHT/4)", "FLOAT": true},
        {}
    ],
    "DANCENET": {"PLACE": 30}
}*/
// The lines are contours of a small soft field, not of the body itself: a hand rounds corners.

float lattice(vec2 cell) {
    vec2 h = fract(mod(cell, 509.0) * vec2(0.1731, 0.2917));
    h += dot(h, h.yx + 19.37);
    return fract((h.x + h.y) * h.x * 7.13);
}

float noise(vec2 place) {
    vec2 cell = floor(place), t = place - cell;
    t *= t * (3.0 - 2.0 * t);
    return mix(mix(lattice(cell), lattice(cell + vec2(1.0, 0.0)), t.x),
               mix(lattice(cell + vec2(0.0, 1.0)), lattice(cell + vec2(1.0, 1.0)), t.x), t.y);
}

void main() {
    vec2 place = isf_FragNormCoord;
    float aspect = RENDERSIZE.x / RENDERSIZE.y;
    vec2 narrow = vec2(1.0 / aspect, 1.0), p = place / narrow;
    if (PASSINDEX == 0) {
        float sum = 0.0;
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 3; j++) {
                vec2 step = vec2(float(i) - 1.0, float(j) - 1.0) * 0.0042;
                sum += IMG_NORM_PIXEL(inputImage, place + step * narrow).r / 9.0;
            }
        }
        float step_time = clamp(TIMEDELTA, 0.0, 0.1);
        float keep = exp(-step_time / mix(0.2, 3.0, smudge));
        // Wiped dust is dragged a little, the way the body goes.
        float before = IMG_NORM_PIXEL(field, place + vec2(0.0, 0.006 * step_time)).g;
        gl_FragColor = vec4(sum, max(sum, before * keep), 0.0, 1.0);
        return;
    }
    float drawing = 7.0 * floor(mod(TIME, 8.0) * 8.0);      // one of 64 drawings
    vec2 hand = vec2(noise(p * 9.0 + drawing), noise(p * 9.0 + drawing + 83.0)) - 0.5;
    float tooth = 0.55 * noise(p * 330.0) + 0.45 * noise(p.yx * 610.0 + 7.0);      // of the board: always the same
    vec2 reach = hand * (0.003 + 0.022 * wobble);
    float first = IMG_NORM_PIXEL(field, place + reach * narrow).r;
    float second = IMG_NORM_PIXEL(field, place - (1.4 * reach.yx + 0.003 * wobble) * narrow).r;
    vec2 here = IMG_NORM_PIXEL(field, place).rg;
    // Two strokes for every line, the second one lighter; each pressed harder here, less there.
    float pressure = noise(p * 5.0 + drawing * 1.7);
    float line = smoothstep(0.36, 0.20, abs(first - 0.5)) * (0.75 + 0.5 * pressure);
    line = max(line, 0.7 * smoothstep(0.30, 0.12, abs(second - 0.5)) * (1.2 - pressure));
    line *= smoothstep(0.34, 0.60, tooth + 0.14 * line);

    float slant = dot(p, vec2(0.743, 0.669)) * 96.0 + 0.9 * hand.x * wobble + 1.4 * noise(p * 4.0 + drawing);
    float along = dot(p, vec2(-0.669, 0.743));
    // Denser where it turns away from a light at the upper left, and none at all towards it.
    float shade = 1.0 - IMG_NORM_PIXEL(field, place + vec2(0.030, -0.030) * narrow).r;
    float drawn = noise(vec2(floor(slant) * 3.7, along * 6.0 + drawing)) + 0.55 * shade;
    float stroke = smoothstep(0.42, 0.20, abs(fract(slant) - 0.5)) * smoothstep(0.48, 0.72, drawn);
    stroke *= smoothstep(0.40, 0.62, tooth + 0.12 * shade) * smoothstep(0.45, 0.8, here.r);
    float wiped = clamp(here.g - here.r, 0.0, 1.0);
    wiped *= wiped * (0.35 + 0.65 * tooth) * (0.6 + 0.8 * noise(vec2(p.x * 6.0 + p.y * 3.0, p.y * 22.0)));

    float h = clamp(hue, 0.0, 1.0) * 3.0;
    vec3 chalk = mix(vec3(1.0, 0.74, 0.36), vec3(0.92, 0.42, 0.55), clamp(h, 0.0, 1.0));
    chalk = mix(mix(chalk, vec3(0.52, 0.45, 0.90), clamp(h - 1.0, 0.0, 1.0)), vec3(0.32, 0.78, 0.83), clamp(h - 2.0, 0.0, 1.0));
    vec3 bone = vec3(0.953, 0.918, 0.847);
    vec3 colour = chalk * (wiped * 0.8 * (0.3 + smudge) + 0.10 * here.r * tooth);
    colour = mix(colour, chalk, stroke * hatch);
    colour = mix(colour, bone, clamp(line, 0.0, 1.0));
    gl_FragColor = vec4(colour, max(here.r, max(colour.r, max(colour.g, colour.b))));
}
