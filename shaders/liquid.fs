/*{
  "DESCRIPTION": "Dark water: the dance makes waves, the waves bend the picture and catch the light.",
  "CREDIT": "DanceNet live",
  "ISFVSN": "2",
  "CATEGORIES": ["Distortion"],
  "DANCENET": {"PLACE": 55},
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "dancers", "TYPE": "image", "LABEL": "Bodies that make waves"},
    {"NAME": "bend", "TYPE": "float", "LABEL": "How far waves bend the picture", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.35},
    {"NAME": "waves", "TYPE": "float", "LABEL": "How strongly moves make waves", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.5},
    {"NAME": "calm", "TYPE": "float", "LABEL": "How soon the water is calm, seconds", "MIN": 0.2, "MAX": 6.0, "DEFAULT": 1.8},
    {"NAME": "glint", "TYPE": "float", "LABEL": "How much light the waves catch", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.5},
    {"NAME": "drop", "TYPE": "event", "LABEL": "A drop falls"}
  ],
  "PASSES": [
    {"TARGET": "outline", "PERSISTENT": true, "FLOAT": true, "WIDTH": "floor(112.0*$WIDTH/$HEIGHT)", "HEIGHT": "112"},
    {"TARGET": "half_way", "FLOAT": true, "WIDTH": "floor(112.0*$WIDTH/$HEIGHT)", "HEIGHT": "112"},
    {"TARGET": "water", "PERSISTENT": true, "FLOAT": true, "WIDTH": "floor(112.0*$WIDTH/$HEIGHT)", "HEIGHT": "112"},
    {"TARGET": "slopes", "WIDTH": "floor($WIDTH/$HEIGHT*(17300.0+0.0252*$HEIGHT*$HEIGHT)^0.5)", "HEIGHT": "floor((17300.0+0.0252*$HEIGHT*$HEIGHT)^0.5)"},
    {}
  ]
}*/

// `water` is a sheet of waves (height, speed) on 112 lines, two steps a frame; `slopes` is how it leans, smoothly.

float luma(vec3 colour) {
    return dot(colour, vec3(0.299, 0.587, 0.114));
}

// One step of the waves: a place is drawn to the height of its neighbours.
vec4 ripple(vec4 here, float around, float dt) {
    // Waves cross 45 lines a second; more than 0.7 of a line in a step would not be stable.
    float pace = min(45.0 * dt, 0.66);
    float speed = (here.g + 2.0 * pace * pace * (around - here.r)) * exp(-dt / calm);
    // Waves as short as the grid are not water's: they are smoothed away.
    float height = mix(here.r, around, 0.12);
    return vec4(clamp(height * exp(-0.5 * dt / calm) + speed, -1.0, 1.0), clamp(speed, -1.0, 1.0), 0.0, 1.0);
}

void main() {
    vec2 p = isf_FragNormCoord;
    vec2 d = 1.0 / RENDERSIZE;
    float dt = 0.5 * clamp(TIMEDELTA, 0.001, 0.05);
    if (PASSINDEX == 0) {
        float sum = 0.0;
        for (int i = 0; i < 25; i++) {
            vec2 at = vec2(mod(float(i), 5.0), floor(float(i) / 5.0)) - 2.0;
            sum += luma(IMG_NORM_PIXEL(dancers, p + 1.4 * at * d).rgb);
        }
        gl_FragColor = vec4(sum / 25.0, IMG_THIS_PIXEL(outline).r, 0.0, 1.0);
        return;
    }
    if (PASSINDEX == 1) {
        vec4 here = IMG_NORM_PIXEL(water, p);
        float around = 0.25 * (IMG_NORM_PIXEL(water, p + vec2(d.x, 0.0)).r + IMG_NORM_PIXEL(water, p - vec2(d.x, 0.0)).r
                             + IMG_NORM_PIXEL(water, p + vec2(0.0, d.y)).r + IMG_NORM_PIXEL(water, p - vec2(0.0, d.y)).r);
        vec2 body = IMG_NORM_PIXEL(outline, p).rg;
        here.g += 0.4 * waves * clamp(body.r - body.g, -0.5, 0.5);
        // Drops fall at places of the golden ratio's, which never repeat and never crowd.
        vec2 at = fract(float(FRAMEINDEX - 4096 * (FRAMEINDEX / 4096)) * vec2(0.754878, 0.569840));
        vec2 to = (p - 0.1 - 0.8 * at) * vec2(RENDERSIZE.x / RENDERSIZE.y, 1.0);
        if (drop) here.g -= 0.5 * exp(-dot(to, to) * 900.0);
        gl_FragColor = ripple(here, around, dt);
        return;
    }
    if (PASSINDEX == 2) {
        vec4 here = IMG_NORM_PIXEL(half_way, p);
        float around = 0.25 * (IMG_NORM_PIXEL(half_way, p + vec2(d.x, 0.0)).r + IMG_NORM_PIXEL(half_way, p - vec2(d.x, 0.0)).r
                             + IMG_NORM_PIXEL(half_way, p + vec2(0.0, d.y)).r + IMG_NORM_PIXEL(half_way, p - vec2(0.0, d.y)).r);
        gl_FragColor = ripple(here, around, dt);
        return;
    }
    if (PASSINDEX == 3) {
        // Differences over two lines of the coarse sheet, each side the mean of four places: smooth where it is enlarged.
        vec2 line = 1.0 / vec2(IMG_SIZE(water));
        float right = 0.0;
        float left = 0.0;
        float above = 0.0;
        float below = 0.0;
        for (int i = -1; i <= 1; i++) {
            float side = float(i);
            float weight = i == 0 ? 0.5 : 0.25;
            right += weight * IMG_NORM_PIXEL(water, p + line * vec2(1.0, side)).r;
            left += weight * IMG_NORM_PIXEL(water, p + line * vec2(-1.0, side)).r;
            above += weight * IMG_NORM_PIXEL(water, p + line * vec2(side, 1.0)).r;
            below += weight * IMG_NORM_PIXEL(water, p + line * vec2(side, -1.0)).r;
        }
        // 128 of 255 is level.
        gl_FragColor = vec4(clamp(0.50196 + vec2(right - left, above - below), 0.0, 1.0), 0.0, 1.0);
        return;
    }
    vec2 lean = IMG_NORM_PIXEL(slopes, p).rg - 0.50196;
    vec2 shape = vec2(RENDERSIZE.y / RENDERSIZE.x, 1.0);
    vec4 colour = IMG_NORM_PIXEL(inputImage, p - 0.35 * bend * lean / (1.0 + 2.5 * length(lean)) * shape);
    // The sky's light on the waves: tide on the side that faces it, bone where it glitters.
    float facing = dot(lean, vec2(-0.55, 0.83));
    float shine = max(facing, 0.0) * 5.0;
    vec3 light = glint * (vec3(0.05, 0.32, 0.37) * shine + vec3(0.95, 0.92, 0.85) * shine * shine * shine * 0.5);
    light = min(light, vec3(1.0)) * (1.0 - 0.7 * colour.a * luma(colour.rgb));
    gl_FragColor = vec4(colour.rgb + light * (1.0 - colour.rgb), max(colour.a, luma(light)));
}
