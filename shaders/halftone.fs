/*{
    "DESCRIPTION": "A three-ink print: flat bodies, shaded by dots, with a halo of dots that is out of register.",
    "CREDIT": "DanceNet live",
    "ISFVSN": "2",
    "CATEGORIES": ["Stylize", "Halftone Effect"],
    "INPUTS": [
        {"NAME": "inputImage", "TYPE": "image"},
        {"NAME": "size", "LABEL": "Size of the dots", "TYPE": "float", "DEFAULT": 0.35, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "spread", "LABEL": "Halo", "TYPE": "float", "DEFAULT": 0.5, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "register", "LABEL": "Out of register", "TYPE": "float", "DEFAULT": 0.4, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "hue", "LABEL": "Inks: ember on tide, rose on violet, amber on rose", "TYPE": "float", "DEFAULT": 0.0, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "paper", "LABEL": "Paper: from none to bone", "TYPE": "float", "DEFAULT": 1.0, "MIN": 0.0, "MAX": 1.0}
    ],
    "PASSES": [
        {"TARGET": "across", "WIDTH": "floor($WIDTH/8)", "HEIGHT": "floor($HEIGHT/8)", "FLOAT": true},
        {"TARGET": "field", "WIDTH": "floor($WIDTH/8)", "HEIGHT": "floor($HEIGHT/8)", "FLOAT": true},
        {}
    ],
    "DANCENET": {"PLACE": 30}
}*/


// The halo's dots and the shade's lie on two screens at 60 degrees to each other.
const vec2 HALO = vec2(0.9659, 0.2588), SHADE = vec2(0.2588, 0.9659);

vec2 to_screen(vec2 p, vec2 turn) { return vec2(turn.x * p.x - turn.y * p.y, turn.y * p.x + turn.x * p.y); }
vec2 from_screen(vec2 q, vec2 turn) { return vec2(turn.x * q.x + turn.y * q.y, turn.x * q.y - turn.y * q.x); }

// A dot that covers about `light` of its cell: 0..1, a pixel and a half from edge to edge.
float dot_of(vec2 from_middle, float light, float pixel) {
    float radius = 0.72 * sqrt(clamp(light, 0.0, 1.0));
    return smoothstep(radius + pixel, radius - pixel, length(from_middle)) * smoothstep(0.08, 0.16, radius);
}

void main() {
    vec2 place = isf_FragNormCoord;
    if (PASSINDEX < 2) {
        // Light and coverage near by, and coverage far about.
        vec3 sum = vec3(0.0), weights = vec3(0.0);
        vec2 step = (PASSINDEX == 0 ? vec2(RENDERSIZE.y / RENDERSIZE.x, 0.0) : vec2(0.0, 1.0)) * 0.018;
        vec2 rows = vec2(0.0, 0.25 / RENDERSIZE.y);
        for (int i = 0; i < 13; i++) {
            float t = float(i) - 6.0;
            vec3 weight = vec3(vec2(exp(-2.0 * t * t)), exp(-0.10 * t * t));
            vec2 at = place + step * t;
            vec3 here;
            if (PASSINDEX == 0) {
                vec4 both = 0.5 * (IMG_NORM_PIXEL(inputImage, at + rows) + IMG_NORM_PIXEL(inputImage, at - rows));
                here = vec3(dot(both.rgb, vec3(0.30, 0.59, 0.11)), both.aa);
            } else {
                here = IMG_NORM_PIXEL(across, at).rgb;
            }
            sum += here * weight;
            weights += weight;
        }
        gl_FragColor = vec4(sum / weights, 1.0);
        return;
    }
    float aspect = RENDERSIZE.x / RENDERSIZE.y;
    vec2 p = (place - 0.5) * vec2(aspect, 1.0), narrow = vec2(1.0 / aspect, 1.0);
    float cell = mix(0.009, 0.032, size), pixel = 0.75 / (RENDERSIZE.y * cell);
    float turn = 6.2831853 * fract(TIME / 23.0);
    vec2 off = register * 0.06 * vec2(cos(turn), 0.3 * sin(turn));

    vec2 q = to_screen(p, HALO) / cell, middle = floor(q) + 0.5;
    vec2 at = (from_screen(middle * cell, HALO) - off) * narrow + 0.5;
    float around = IMG_NORM_PIXEL(field, at).b;
    float halo = dot_of(q - middle, around * around * 2.4 * spread, pixel);

    // The shade: what turns away from a light at the upper left, and what was dark before.
    q = to_screen(p, SHADE) / cell;
    middle = floor(q) + 0.5;
    at = from_screen(middle * cell, SHADE) * narrow + 0.5;
    vec2 lit = vec2(-0.028, 0.034) * narrow;
    vec2 here = IMG_NORM_PIXEL(field, at).rg;
    float relief = IMG_NORM_PIXEL(field, at + lit).b - IMG_NORM_PIXEL(field, at - lit).b;
    float dark = 1.0 - here.r / max(here.g, 0.05);
    float shade = dot_of(q - middle, 0.10 + 1.5 * relief + max(1.4 * dark - 0.4, 0.0), pixel);

    vec4 source = IMG_THIS_PIXEL(inputImage);
    float body = source.a, air = 1.0 - dot(source.rgb, vec3(0.30, 0.59, 0.11)) / max(source.a, 0.05);
    float h = clamp(hue, 0.0, 1.0) * 2.0;
    vec3 front = mix(mix(vec3(1.0, 0.353, 0.212), vec3(0.88, 0.29, 0.46), clamp(h, 0.0, 1.0)), vec3(1.0, 0.702, 0.278), clamp(h - 1.0, 0.0, 1.0));
    vec3 back = mix(mix(vec3(0.122, 0.66, 0.76), vec3(0.42, 0.34, 0.84), clamp(h, 0.0, 1.0)), vec3(0.839, 0.271, 0.435), clamp(h - 1.0, 0.0, 1.0));
    vec3 key = mix(vec3(0.10, 0.04, 0.10), back * 0.22, 0.5);
    vec3 sheet = vec3(0.953, 0.918, 0.847) * paper;
    vec3 colour = mix(sheet, back * mix(0.85, 1.0, paper), halo);
    // Rows further back take on the colour of what is behind them.
    front = mix(front, back, clamp(2.2 * air, 0.0, 0.8));
    colour = mix(colour, mix(front, key, shade), body);
    gl_FragColor = vec4(colour, max(paper, max(body, halo)));
}
