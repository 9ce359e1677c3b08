/*{
    "DESCRIPTION": "Large square pixels of two inks, in the ordered pattern of early screens, with a soft halo to dissolve in.",
    "CREDIT": "DanceNet live",
    "ISFVSN": "2",
    "CATEGORIES": ["Stylize", "Retro"],
    "INPUTS": [
        {"NAME": "inputImage", "TYPE": "image"},
        {"NAME": "size", "LABEL": "Size of the pixels", "TYPE": "float", "DEFAULT": 0.35, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "inks", "LABEL": "Inks", "TYPE": "long", "DEFAULT": 0, "VALUES": [0, 1, 2, 3, 4], "LABELS": ["bone", "amber", "ember", "tide", "violet"]},
        {"NAME": "halo", "LABEL": "Halo", "TYPE": "float", "DEFAULT": 0.5, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "light", "LABEL": "Light", "TYPE": "float", "DEFAULT": 0.5, "MIN": 0.0, "MAX": 1.0}
    ],
    "PASSES": [
        {"TARGET": "across", "WIDTH": "floor($WIDTH/8)", "HEIGHT": "floor($HEIGHT/8)", "FLOAT": true},
        {"TARGET": "field", "WIDTH": "floor($WIDTH/8)", "HEIGHT": "floor($HEIGHT/8)", "FLOAT": true},
        {}
    ],
    "DANCENET": {"PLACE": 85}
}*/

float bright(vec2 place) {
    return dot(IMG_NORM_PIXEL(inputImage, place).rgb, vec3(0.30, 0.59, 0.11));
}

// 0..3 of a square of four, along its diagonals.
float square(vec2 cell) {
    vec2 odd = mod(cell, 2.0);
    return 2.0 * abs(odd.x - odd.y) + odd.y;
}

// The threshold of a pixel, 0..1: a square of four in a square of four in a square of four.
float threshold(vec2 cell) {
    return (16.0 * square(cell) + 4.0 * square(floor(cell / 2.0)) + square(floor(cell / 4.0)) + 0.5) / 64.0;
}

void main() {
    vec2 place = isf_FragNormCoord;
    if (PASSINDEX < 2) {
        float sum = 0.0, weights = 0.0;
        vec2 step = (PASSINDEX == 0 ? vec2(RENDERSIZE.y / RENDERSIZE.x, 0.0) : vec2(0.0, 1.0)) * 0.024;
        vec2 rows = vec2(0.0, 0.25 / RENDERSIZE.y);
        for (int i = 0; i < 13; i++) {
            float t = float(i) - 6.0;
            float weight = exp(-0.09 * t * t);
            vec2 at = place + step * t;
            sum += weight * (PASSINDEX == 0 ? 0.5 * (bright(at + rows) + bright(at - rows)) : IMG_NORM_PIXEL(across, at).r);
            weights += weight;
        }
        gl_FragColor = vec4(sum / weights);
        return;
    }
    // Whole pixels of the screen to one of these, so that all are squares of one size.
    float pixel = max(1.0, floor(RENDERSIZE.y * mix(0.0022, 0.012, size) + 0.5));
    vec2 cell = floor(gl_FragCoord.xy / pixel);
    vec2 at = (cell + 0.5) * pixel / RENDERSIZE;
    vec4 source = IMG_NORM_PIXEL(inputImage, at);
    float here = dot(source.rgb, vec3(0.30, 0.59, 0.11)), around = IMG_NORM_PIXEL(field, at).r;
    here *= 0.25 + 0.75 * here;                     // dark grounds stay calm
    // Inside it is lit from above, so that the pattern shows there too; a halo only where there is no ground.
    float shade = here * (0.42 + 0.62 * at.y + 0.5 * (light - 0.5)) + (1.0 - source.a) * around * 1.25 * halo * (0.4 + 1.2 * light);
    float on = step(threshold(cell) + 0.035, shade);
    vec3 dark = vec3(0.027, 0.035, 0.059), pale = vec3(0.953, 0.918, 0.847);
    if (inks == 1) { dark = vec3(0.075, 0.035, 0.055); pale = vec3(1.0, 0.702, 0.278); }
    if (inks == 2) { dark = vec3(0.078, 0.027, 0.063); pale = vec3(1.0, 0.353, 0.212); }
    if (inks == 3) { dark = vec3(0.016, 0.047, 0.086); pale = vec3(0.30, 0.86, 0.90); }
    if (inks == 4) { dark = vec3(0.063, 0.047, 0.165); pale = vec3(0.85, 0.78, 0.98); }
    gl_FragColor = vec4(mix(dark, pale, on), 1.0);
}
